#!/bin/sh
# Generates proto/gen from proto/drover/v1. With --check: fails when the committed types are not what the contract gives.
set -eu
cd "$(dirname "$0")/.."
out=proto/gen
[ "${1:-}" = --check ] && out=$(mktemp -d)
[ "$out" = proto/gen ] && rm -rf proto/gen
node_modules/.bin/proto-loader-gen-types --longs=Number --enums=String --defaults --oneofs \
  --grpcLib=@grpc/grpc-js --importFileExtension=.js --inputTemplate=%sInput --outputTemplate=%s \
  -I proto -O "$out" \
  drover/v1/agent_session.proto drover/v1/fleet.proto drover/v1/placement.proto drover/v1/tuning.proto \
  drover/v1/health.proto drover/v1/operation.proto drover/v1/records.proto drover/v1/catalog.proto >/dev/null
if [ "$out" != proto/gen ]; then
  diff -r "$out" proto/gen >/dev/null || { echo "proto/gen is stale: run 'make proto' and commit the result" >&2; rm -rf "$out"; exit 1; }
  rm -rf "$out"
fi
