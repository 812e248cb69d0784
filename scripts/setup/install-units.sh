#!/bin/bash
# scripts/setup/install-units.sh [--root DIR] [--program DIR] [--hard-links] [--hand-over] [--remove]
# Installs the agent's units, the drop-ins that give the order of starting and stopping, and libvirt's hook; enables the
# units and starts none. Safe to run again. It says what it did.
#   --root DIR     an image or a tree instead of this host: nothing is asked of systemd
#   --program DIR  also the program: build/, proto/, docs/, systemd/, scripts/setup/, package.json and modules of the
#                  checkout DIR go to /usr/lib/drover, and drover-agent into /usr/local/bin
#   --hard-links   modules as links to the same files, on the same file system
#   --hand-over    Drover becomes the one owner of guest shutdown: libvirt-guests is disabled and loses its commands (no
#                  guest is stopped by that), and logind waits for the guest stage
#   --remove       takes all of it away but the program and its state, and gives libvirt-guests back where it was taken over
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root='' program='' copy_modules=(cp -a) hand_over='' remove=''

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 64
}
say() { echo "install-units: $*"; }
fail() {
  echo "install-units: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --root | --program)
      [ -d "${2:-}" ] || fail "$1: got \"${2:-}\"; want a directory that is there"
      [ "$1" = --root ] && root=$(realpath "$2") || program=$(realpath "$2")
      shift
      ;;
    --hard-links) copy_modules=(cp -al) ;;
    --hand-over) hand_over=yes ;;
    --remove) remove=yes ;;
    *) usage ;;
  esac
  shift
done
[ "$root" != / ] || root=''
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "only root may install units on this host; --root DIR fills a tree"

units=(drover-agent.service drover-guests.service drover-ports.service)
etc=$root/etc/systemd
wants=$etc/system/multi-user.target.wants
guests_marker=$etc/system/libvirt-guests.service.d/50-drover.was-enabled
# Where a drop-in of systemd/ goes. machine-.scope.d stands for every unit whose name begins with `machine-`.
drop_ins=(
  "libvirtd.service.d/50-drover.conf system/libvirtd.service.d/50-drover.conf"
  "virtqemud.service.d/50-drover.conf system/virtqemud.service.d/50-drover.conf"
  "machine.scope.d/50-drover.conf system/machine-.scope.d/50-drover.conf"
)
owner_drop_ins=(
  "libvirt-guests.service.d/50-drover.conf system/libvirt-guests.service.d/50-drover.conf"
  "logind.conf.d/zz-drover.conf logind.conf.d/zz-drover.conf"
)
hook=$root/etc/libvirt/hooks/qemu.d/50-drover

# The running host's own systemd; an image has none.
is_live() { [ -z "$root" ] && [ -d /run/systemd/system ]; }
reload() { if is_live; then systemctl daemon-reload; fi; }

install_file() { # MODE FROM TO
  mkdir -p "$(dirname "$3")"
  if cmp -s "$2" "$3"; then return; fi
  install -m "$1" "$2" "$3"
  say "wrote ${3#"$root"}"
}

# logind reads its files at its start alone; locks that are held outlive that.
reload_logind() { if is_live; then systemctl try-restart systemd-logind.service; fi; }

install_program() {
  local to=$root/usr/lib/drover part
  [ -e "$program/build/agent/bin.cjs" ] || fail "--program: $program has no build/agent/bin.cjs; run make setup there"
  mkdir -p "$to" "$root/usr/local/bin" "$root/etc/drover"
  for part in build proto docs systemd scripts node_modules; do rm -rf "${to:?}/$part"; done
  mkdir "$to/scripts"
  cp -a "$program"/{build,proto,docs,systemd,package.json} "$to/"
  cp -a "$program/scripts/setup" "$to/scripts/"
  mkdir "$to/node_modules"
  # What the lock file does not call development only, each module with all that is in its folder.
  (cd "$program" && node -e '
    const { packages } = JSON.parse(require("node:fs").readFileSync("package-lock.json", "utf8"));
    for (const [path, { dev }] of Object.entries(packages))
      if (/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && require("node:fs").existsSync(path)) console.log(path);
  ' | while IFS= read -r module; do
    mkdir -p "$to/$(dirname "$module")"
    "${copy_modules[@]}" "$module" "$to/$(dirname "$module")/"
  done)
  ln -sfn /usr/lib/drover/build/agent/bin.cjs "$root/usr/local/bin/drover-agent"
  say "the program is in /usr/lib/drover ($(du -sm "$to" | cut -f1) MiB)"
}

install_units() {
  local unit pair
  mkdir -p "$wants"
  for unit in "${units[@]}"; do
    install_file 644 "$here/systemd/$unit" "$etc/system/$unit"
    ln -sfn "/etc/systemd/system/$unit" "$wants/$unit"
  done
  for pair in "${drop_ins[@]}"; do install_file 644 "$here/systemd/${pair% *}" "$etc/${pair#* }"; done
  # libvirt 6.5 and later runs every program in qemu.d.
  if [ -e "$here/systemd/libvirt-hook-qemu" ]; then
    install_file 755 "$here/systemd/libvirt-hook-qemu" "$hook"
    if is_live; then say "libvirt finds a new hook when its daemon is restarted"; fi
  fi
  reload
  say "enabled ${units[*]}; start them with: systemctl start ${units[*]}"
}

hand_over() {
  local pair
  for pair in "${owner_drop_ins[@]}"; do install_file 644 "$here/systemd/${pair% *}" "$etc/${pair#* }"; done
  if [ -L "$wants/libvirt-guests.service" ]; then
    rm "$wants/libvirt-guests.service"
    : >"$guests_marker"
  fi
  reload
  reload_logind
  if is_live && systemctl -q is-active libvirt-guests.service; then
    # Stopping it with its own command would stop every guest.
    [ -z "$(systemctl show -P ExecStop libvirt-guests.service)" ] ||
      fail "libvirt-guests.service still has a stop command, so it is left running: look for other drop-ins with systemctl cat libvirt-guests"
    systemctl stop libvirt-guests.service
  fi
  say "libvirt-guests no longer stops or starts guests, and logind waits up to 315 s: guest shutdown is Drover's"
}

remove_all() {
  local pair unit
  for unit in "${units[@]}"; do rm -f "$etc/system/$unit" "$wants/$unit"; done
  for pair in "${drop_ins[@]}" "${owner_drop_ins[@]}"; do
    rm -f "$etc/${pair#* }"
    rmdir --ignore-fail-on-non-empty "$(dirname "$etc/${pair#* }")" 2>/dev/null || true
  done
  rm -f "$hook"
  rmdir --ignore-fail-on-non-empty "$(dirname "$hook")" 2>/dev/null || true
  if [ -e "$guests_marker" ]; then
    rm -f "$guests_marker"
    rmdir --ignore-fail-on-non-empty "$(dirname "$guests_marker")"
    ln -sfn /lib/systemd/system/libvirt-guests.service "$wants/libvirt-guests.service"
    say "libvirt-guests is enabled again; it stops guests from the next boot, or after: systemctl start libvirt-guests"
  fi
  # Without its file the guest unit has no command any more when it is stopped.
  reload
  reload_logind
  if is_live; then systemctl stop "${units[@]}" 2>/dev/null || true; fi
  say "removed units, drop-ins and hook; /usr/lib/drover and /var/lib/drover are as they were"
}

if [ -n "$remove" ]; then
  remove_all
  exit
fi
[ -z "$program" ] || install_program
install_units
[ -z "$hand_over" ] || hand_over
