#!/bin/bash
# Compiles to build/, removes what was compiled from files that are gone, and links the programs so that npx finds them.
# --if-needed: does nothing when no source is newer than the last good build.
set -euo pipefail
cd "$(dirname "$0")/../.."

rooms=(agent controlplane proto scripts test)
stamp=build/.built

# Directories count too: a deleted file changes only its directory.
is_fresh() {
  [ -e "$stamp" ] && [ -z "$(find "${rooms[@]}" package.json tsconfig.json -newer "$stamp" -print -quit)" ]
}

remove_stale() {
  [ -d build ] || return 0
  local output source
  while IFS= read -r -d '' output; do
    source=${output#build/}
    case $output in
      *.cjs) source=${source%.cjs}.cts ;;
      *) source=${source%.js}.ts ;;
    esac
    [ -e "$source" ] || [ -e "${source}x" ] || rm -f "$output" "$output.map"
  done < <(find "${rooms[@]/#/build/}" \( -name '*.js' -o -name '*.cjs' \) -print0 2>/dev/null)
}

link_programs() {
  node -e '
    const { existsSync, chmodSync, rmSync, symlinkSync, readlinkSync } = require("node:fs");
    for (const [name, target] of Object.entries(require("./package.json").bin)) {
      const link = `node_modules/.bin/${name}`, to = `../../${target}`;
      if (existsSync(target)) chmodSync(target, 0o755);
      let now; try { now = readlinkSync(link); } catch {}
      if (now !== to) { rmSync(link, { force: true }); symlinkSync(to, link); }
    }'
}

[ -x node_modules/.bin/tsc ] || { echo 'build: the npm modules are not here yet: run make setup first' >&2; exit 1; }
if [ "${1:-}" = --if-needed ] && is_fresh; then exit 0; fi
mkdir -p build
touch "$stamp.next"
remove_stale
# The list of what was emitted is of no use when the output is gone.
[ -n "$(find build -name '*.js' -print -quit)" ] || rm -f build/.tsbuildinfo
failed=
node_modules/.bin/tsc -p . || failed=yes
link_programs
[ ! -e build/scripts/setup/bundle.js ] || node build/scripts/setup/bundle.js
[ -z "$failed" ] || { rm -f "$stamp" "$stamp.next"; exit 1; }
mv "$stamp.next" "$stamp"
