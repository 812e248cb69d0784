#!/bin/bash
# Builds the root disk of the test machine, once for each root tree (scripts/systemd-host/root-tree.sh), and prints the
# directory that holds it: root.img (ext4, sparse), vmlinuz, initrd. Needs root; installs what boots the machine where it is
# missing. Cache: $DROVER_VM_CACHE, one image in it.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=${DROVER_VM_CACHE:-/var/cache/drover-test}
tools=(e2fsprogs qemu-system-x86 qemu-utils)

say() { echo "root disk: $*" >&2; }

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

write_image() { # TREE FOLDER
  cp "$1"/boot/vmlinuz-* "$2/vmlinuz"
  cp "$1"/boot/initrd.img-* "$2/initrd"
  mke2fs -q -F -t ext4 -L root -d "$1" "$2/root.img" 3G >/dev/null
}

[ "$(id -u)" -eq 0 ] || { say "needs root (debootstrap)"; exit 77; }
install_tools
tree=$(scripts/systemd-host/root-tree.sh)
exec 9>"$cache/lock"
flock 9
image=$cache/image-${tree##*/tree-}
if [ ! -e "$image/root.img" ]; then
  begin=$SECONDS
  rm -rf "$cache"/image-*/
  mkdir "$image.building"
  write_image "$tree" "$image.building"
  mv "$image.building" "$image"
  say "made in $((SECONDS - begin)) s: $(du -sh "$image" | cut -f 1)"
fi
echo "$image"
