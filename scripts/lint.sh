#!/bin/bash
# Lints with type information; a warning is a failure. lint.sh --fix repairs what can be repaired.
set -euo pipefail
cd "$(dirname "$0")/.."
exec node_modules/.bin/oxlint --type-aware --deny-warnings --report-unused-disable-directives \
  --ignore-path .gitignore --ignore-pattern 'proto/gen/**' --ignore-pattern 'test/fixtures/**' "$@" agent controlplane proto scripts test
