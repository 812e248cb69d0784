#!/bin/bash
# Builds the root disk of the test machine, once for each list of packages, and prints the directory that holds it:
# root.img (ext4, sparse), vmlinuz, initrd. Debian 12 with its cloud kernel, systemd, libvirt, QEMU, Open vSwitch, the QEMU
# guest agent and this machine's node. The kernel is installed in the tree, so the machine's own /boot stays as it is.
# Needs root; installs debootstrap and what boots the machine where they are missing. Cache: $DROVER_VM_CACHE, one image in it.
set -euo pipefail

release=bookworm
cache=${DROVER_VM_CACHE:-/var/cache/drover-test}
tools=(debootstrap e2fsprogs qemu-system-x86 qemu-utils)
packages=(linux-image-cloud-amd64 initramfs-tools zstd kmod udev
  systemd systemd-sysv dbus libpam-systemd iproute2 procps util-linux libstdc++6
  libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils openvswitch-switch
  qemu-guest-agent)
# What costs seconds at boot and is not looked at. libvirt-guests waits for guests that never answer.
masked=(apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer
  logrotate.timer systemd-pstore.service systemd-timesyncd.service getty@tty1.service serial-getty@ttyS0.service
  console-getty.service cron.service uuidd.socket uuidd.service libvirt-guests.service)

say() { echo "test-vm: $*" >&2; }

install_tools() {
  local missing=() tool
  for tool in "${tools[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$tool" 2>/dev/null || true)" = installed ] || missing+=("$tool")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=120 update -q >&2
  apt-get -o DPkg::Lock::Timeout=120 install -qy --no-install-recommends "${missing[@]}" </dev/null >&2
}

# The mirror that apt uses here for the same release.
mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v release=$release '$2 == release { print $1; exit }')
  echo "${uri:?apt has no source for $release here}"
}

configure_tree() { # TREE
  local tree=$1
  install -m 755 "$(command -v node)" "$tree/usr/bin/node"
  rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
  echo drover-vm >"$tree/etc/hostname"
  echo '127.0.0.1 localhost drover-vm' >"$tree/etc/hosts"
  echo '/dev/vda / ext4 defaults 0 0' >"$tree/etc/fstab"
  : >"$tree/etc/machine-id"
  chroot "$tree" systemctl -q enable qemu-guest-agent
  chroot "$tree" systemctl -q mask "${masked[@]}"
}

build() { # FOLDER
  local folder=$1 tree=$1/tree
  say "building the root disk (log: $cache/debootstrap.log)"
  debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" $release "$tree" "$(mirror)" \
    >"$cache/debootstrap.log" 2>&1 || { tail -n 5 "$cache/debootstrap.log" >&2; return 1; }
  configure_tree "$tree"
  cp "$tree"/boot/vmlinuz-* "$folder/vmlinuz"
  cp "$tree"/boot/initrd.img-* "$folder/initrd"
  mke2fs -q -F -t ext4 -L root -d "$tree" "$folder/root.img" 3G >/dev/null
  rm -rf "$tree"
}

# debootstrap mounts /proc and /sys in the tree; a build that was broken off may leave them.
remove_build() { # FOLDER
  local point
  while read -r point; do umount "$point"; done < <(awk -v tree="$1/" 'index($2, tree) == 1 { print $2 }' /proc/mounts | tac)
  rm -rf --one-file-system "$1"
}

[ "$(id -u)" -eq 0 ] || { say "needs root (debootstrap)"; exit 77; }
install_tools
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
# What the image is made from: the list, the steps and the program.
key=$({ declare -p release packages masked; declare -f configure_tree build; cat "$(command -v node)"; } | sha256sum | cut -c 1-16)
if [ ! -e "$cache/$key/root.img" ]; then
  begin=$SECONDS
  for old in "$cache"/*/; do [ ! -d "$old" ] || remove_build "${old%/}"; done
  trap 'remove_build "$cache/$key.building"' EXIT
  mkdir "$cache/$key.building"
  build "$cache/$key.building"
  mv "$cache/$key.building" "$cache/$key"
  say "built in $((SECONDS - begin)) s: $(du -sh "$cache/$key" | cut -f 1)"
fi
echo "$cache/$key"
