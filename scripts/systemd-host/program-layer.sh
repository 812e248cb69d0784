#!/bin/bash
# Prints a directory with Drover as it is packaged (scripts/setup/install-units.sh): /usr/lib/drover, the units and drop-ins.
# It lies over the root tree. Made once for each build; layers that nobody used for an hour are removed. Needs root.
# Cache: $DROVER_VM_CACHE.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=${DROVER_VM_CACHE:-/var/cache/drover-test}
mkdir -p "$cache"
exec 9>"$cache/program.lock"
flock 9
key=$({
  find build/agent build/bundle build/proto -type f ! -name '*.map' -printf '%p %s %T@\n' | sort
  cat package-lock.json scripts/setup/install-units.sh
  find systemd -type f -print0 | sort -z | xargs -0 cat
} | sha256sum | cut -c 1-16)
layer=$cache/program-$key
if [ ! -d "$layer" ]; then
  find "$cache" -mindepth 1 -maxdepth 1 -name 'program-*' -type d \( -mmin +60 -o -name '*.building' \) -exec rm -rf {} +
  mkdir "$layer.building"
  scripts/setup/install-units.sh --root "$layer.building" --program "$PWD" >"$cache/program.log" 2>&1 ||
    { tail -n 5 "$cache/program.log" >&2; exit 1; }
  mv "$layer.building" "$layer"
fi
touch "$layer"
echo "$layer"
