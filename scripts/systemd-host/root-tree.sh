#!/bin/bash
# Builds the root tree of the systemd hosts and of the virtual machines, once for each list of packages, and prints its
# directory: Debian 12 with systemd, libvirt, QEMU, Open vSwitch, a cloud kernel, the QEMU guest agent and this machine's node.
# The kernel is installed in the tree, so the machine's own /boot stays as it is. Nobody writes to a finished tree.
# Needs root; installs debootstrap where it is missing. Cache: $DROVER_VM_CACHE; trees that nobody used for a day are removed.
set -euo pipefail

release=bookworm
cache=${DROVER_VM_CACHE:-/var/cache/drover-test}
packages=(linux-image-cloud-amd64 initramfs-tools zstd kmod udev
  systemd systemd-sysv dbus libpam-systemd iproute2 procps util-linux libstdc++6
  libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils openvswitch-switch
  qemu-guest-agent)
# What costs seconds at boot and is not looked at. libvirt-guests waits for guests that never answer; a host unmasks it.
masked=(apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer
  logrotate.timer systemd-pstore.service systemd-timesyncd.service getty@tty1.service serial-getty@ttyS0.service
  console-getty.service cron.service uuidd.socket uuidd.service libvirt-guests.service)

say() { echo "root tree: $*" >&2; }

install_debootstrap() {
  ! command -v debootstrap >/dev/null || return 0
  say "installing debootstrap"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=120 update -q >&2
  apt-get -o DPkg::Lock::Timeout=120 install -qy --no-install-recommends debootstrap </dev/null >&2
}

# The mirror that apt uses here for the same release.
mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v release=$release '$2 == release { print $1; exit }')
  echo "${uri:?apt has no source for $release here}"
}

configure() { # TREE
  local tree=$1
  install -m 755 "$(command -v node)" "$tree/usr/bin/node"
  rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
  echo drover-vm >"$tree/etc/hostname"
  echo '127.0.0.1 localhost drover-vm' >"$tree/etc/hosts"
  echo '/dev/vda / ext4 defaults,nofail 0 0' >"$tree/etc/fstab"
  : >"$tree/etc/machine-id"
  mkdir -p "$tree/var/log/journal"
  chroot "$tree" systemctl -q enable qemu-guest-agent
  chroot "$tree" systemctl -q mask "${masked[@]}"
}

build() { # TREE
  say "building (log: $cache/debootstrap.log)"
  debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" $release "$1" "$(mirror)" \
    >"$cache/debootstrap.log" 2>&1 || { tail -n 5 "$cache/debootstrap.log" >&2; return 1; }
  configure "$1"
}

# debootstrap mounts /proc and /sys in the tree; a build that was broken off may leave them.
remove() { # TREE
  local point
  while read -r point; do umount "$point"; done < <(awk -v tree="$1/" 'index($2, tree) == 1 { print $2 }' /proc/mounts | tac)
  rm -rf --one-file-system "$1"
}

remove_old() {
  local old
  for old in "$cache"/tree-*.building; do [ ! -d "$old" ] || remove "$old"; done
  while read -r old; do remove "$old"; done < <(find "$cache" -mindepth 1 -maxdepth 1 -name 'tree-*' -mmin +1440)
}

[ "$(id -u)" -eq 0 ] || { say "needs root (debootstrap)"; exit 77; }
mkdir -p "$cache"
exec 9>"$cache/tree.lock"
flock 9
# What the tree is made from: the list, the steps and the program.
key=$({ declare -p release packages masked; declare -f configure build; cat "$(command -v node)"; } | sha256sum | cut -c 1-16)
tree=$cache/tree-$key
if [ ! -d "$tree" ]; then
  begin=$SECONDS
  install_debootstrap
  remove_old
  trap 'remove "$tree.building"' EXIT
  build "$tree.building"
  mv "$tree.building" "$tree"
  say "built in $((SECONDS - begin)) s: $(du -sh "$tree" | cut -f 1)"
fi
touch "$tree"
echo "$tree"
