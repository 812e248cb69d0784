#!/bin/bash
# Installs what is missing on Debian 12 with Node 20, then builds what is out of date. Safe to run again; quick when nothing is to do.
# --dev: also prepares the test runner. Without root or apt the machine's packages stay as they are and Drover can only plan there.
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=(libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils
  openvswitch-switch iproute2 iptables dbus procps)
policy=/usr/sbin/policy-rc.d

say() { echo "setup: $*" >&2; }

check_node() {
  command -v node >/dev/null && command -v npm >/dev/null || { say "Node.js 20.12 or later with npm is needed"; exit 1; }
}

# The packages of the list that dpkg does not call installed.
missing_packages() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' |
    sort | comm -13 - <(printf '%s\n' "${packages[@]}" | sort)
}

# Maintainer scripts start services where no systemd would look after them; Debian's policy file says no for the time being.
forbid_services() {
  [ -d /run/systemd/system ] || [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
}

install_packages() {
  local missing
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || { say "no apt here: libvirt and Open vSwitch are left to you; plan-only"; return; }
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    say "not root: plan-only. For the rest: sudo apt-get install --no-install-recommends ${missing[*]}"
    return
  fi
  say "installing ${missing[*]}"
  forbid_services
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 update -q >&2
  apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 install -qy --no-install-recommends "${missing[@]}" </dev/null >&2
}

# npm ci refuses a lock file without the binaries of other platforms, which a registry that carries one platform cannot give.
# npm install takes the same locked versions, and with --no-save leaves the lock file as it is.
install_locked() {
  local log
  log=$(mktemp)
  say "npm ci"
  if npm ci --no-audit --no-fund --loglevel=error </dev/null >"$log" 2>&1; then rm -f "$log"; return; fi
  grep -m 3 -E 'npm error (code|Missing|Invalid)' "$log" >&2 || tail -n 5 "$log" >&2
  rm -f "$log"
  say "npm install --no-save"
  npm install --no-save --no-audit --no-fund --loglevel=error </dev/null >&2
}

# A copy of the lock file says which one node_modules was made from; a checkout changes only times.
install_modules() {
  local installed=node_modules/.installed-lock.json
  cmp -s package-lock.json "$installed" && return
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    install_locked
  fi
  cp package-lock.json "$installed"
}

# tap builds its test class from .taprc once, and the very run that builds it still loads the plugins of before.
prepare_tap() {
  [ -d .tap/plugins ] && [ .tap/plugins -nt .taprc ] && return
  say "preparing the test runner"
  node_modules/.bin/tap build </dev/null >&2
  touch .tap/plugins
}

check_node
# One test listens on systemd's notify socket with Python; hosts with a systemd of their own stand on the next two.
[ "${1:-}" != --dev ] || packages+=(python3 debootstrap systemd-container)
install_packages
install_modules
[ "${1:-}" != --dev ] || prepare_tap
scripts/setup/build.sh --if-needed
