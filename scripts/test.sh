#!/bin/bash
# Runs the compiled tests: test.sh [all|unit|integration|systemd|FILE.js…]. First everything that may run side by side, then
# the host-* files, which change settings of the whole machine, one at a time, then those that boot whole hosts and judge
# times. With root, libvirtd and Open vSwitch are started where they do not run, and stopped afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

# koffi's asynchronous calls and Node's file access share these threads; a hung libvirtd must not take the last one.
export UV_THREADPOOL_SIZE=48

if [ -z "${DROVER_TEST_MACHINE_READY:-}" ] && [ "$(id -u)" -eq 0 ] && command -v libvirtd >/dev/null; then
  export DROVER_TEST_MACHINE_READY=yes
  exec node build/scripts/hypervisor/with-hypervisor.js "$0" "$@"
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0

case ${1:-all} in
  all) mapfile -t files < <(find build/test -name '*.test.js' | sort) ;;
  unit | integration | systemd) mapfile -t files < <(find "build/test/$1" -name '*.test.js' | sort) ;;
  *) files=("$@") ;;
esac
side_by_side=() one_at_a_time=() whole_hosts=()
for file in "${files[@]}"; do
  case $file in
    */integration/host-*) one_at_a_time+=("$file") ;;
    build/test/systemd/*) whole_hosts+=("$file") ;;
    *) side_by_side+=("$file") ;;
  esac
done

phase() { # NAME JOBS SECONDS-FOR-A-FILE FILE…
  local name=$1 jobs=$2 seconds=$3
  shift 3
  [ $# -gt 0 ] || return 0
  echo "$name: $# files, $jobs at a time"
  node_modules/.bin/tap run -R min -j "$jobs" -t "$seconds" -o "$results/$name.tap" "$@" </dev/null || status=1
}

# Sums one word of tap's last line, `# { total: 6, pass: 3, fail: 1, skip: 2 }`.
count() {
  sed -nE "s/^# \{ total:.*[ ]$1: ([0-9]+).*/\1/p" "$results"/*.tap | awk '{ sum += $1 } END { print sum + 0 }'
}

begin=$SECONDS
phase parallel 2 480 "${side_by_side[@]}"
phase serial 1 360 "${one_at_a_time[@]}"
# Whoever comes first builds the tree that all of them stand on, and the disk made of it, within no test's time.
if [ "${#whole_hosts[@]}" -gt 0 ] && [ "$(id -u)" -eq 0 ]; then
  test/vm/root-image.sh >/dev/null
  scripts/systemd-host/program-layer.sh >/dev/null
fi
phase hosts 2 480 "${whole_hosts[@]}"

skipped=$(count skip) skips_allowed=yes
if [ "$skipped" -gt 0 ]; then
  echo "skipped:"
  grep -hE '# SKIP' "$results"/*.tap | sed -E 's/^ *(ok|not ok) [0-9]+ -? ?/  /'
  # Captured data of others is no part of this machine; every real part is there with root and /dev/kvm.
  if [ -w /dev/kvm ] && [ "$(id -u)" -eq 0 ] && grep -hE '# SKIP' "$results"/*.tap | grep -qv DROVER_SHARED; then
    echo "no test of a real part may skip on a machine with root and /dev/kvm" >&2
    status=1 skips_allowed=no
  fi
fi
# The reporter may say less where no terminal is: what failed, where, and how to run it again.
say_failed() { # FILE.tap…
  echo "failed:"
  grep -hE '^ *not ok' -A 25 "$@" | grep -vE '^ *(ok |at |stack:)' | head -n 300
  sed -nE 's/^not ok [0-9]+ - (\S+\.test\.js).*/  again by hand: scripts\/test.sh \1/p' "$@"
}
passed=$(count pass) failed=$(count fail)

# Tests of real parts wait for other programs and measure what they do; a machine that stands still for seconds fails them for
# no fault of Drover's. A few such files get a second run, alone, and are named. Unit and property tests get none.
mapfile -t again < <(sed -nE 's/^not ok [0-9]+ - (\S+\.test\.js).*/\1/p' "$results"/*.tap)
late=()
if grep -qE '^ *not ok' "$results"/*.tap; then
  say_failed "$results"/*.tap
  if [ "${#again[@]}" -gt 0 ] && [ "${#again[@]}" -le 4 ] && ! printf '%s\n' "${again[@]}" | grep -qvE '^build/test/(integration|systemd)/'; then
    first=$results
    results=$first/again
    mkdir "$results"
    [ "$skips_allowed" = no ] || status=0
    phase again 1 480 "${again[@]}"
    still=$(count fail)
    if grep -qE '^ *not ok' "$results"/*.tap; then say_failed "$results"/*.tap; else late=("${again[@]}"); fi
    passed=$((passed + failed - still)) failed=$still
    results=$first
  fi
fi

[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] || status=1
echo "$((SECONDS - begin)) s"
[ "${#late[@]}" -eq 0 ] || printf 'passed only in a second run: %s\n' "${late[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
