#!/usr/bin/env bash
# Installs what some tests run for real: BIND and Knot DNS, ClamAV, Chromium, pdftotext, archivers, mail clients, and what builds the scanner's image. Does nothing where all of it is there.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin:/usr/bin/mh"

missing=()
programs=(
  buildah chromium clamd clamscan freshclam knotd mmdebstrap named named-checkzone pdftotext
  7zz ar arj brotli bsdtar compress cpio gcab genisoimage gpg jlha lz4 lzip lzop mksquashfs qemu-img wimcapture wixl xorriso xz zip zstd
  mhbuild mutt notmuch s-nail
)
for program in "${programs[@]}"; do
  command -v "$program" >/dev/null || missing+=("$program")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

packages=(
  bind9 bind9-utils buildah chromium clamav clamav-daemon clamav-freshclam knot mmdebstrap poppler-utils
  7zip arj binutils brotli cpio gcab genisoimage gnupg jlha-utils libarchive-tools lz4 lzip lzop ncompress qemu-utils
  msitools wixl squashfs-tools wimtools xorriso xz-utils zip zstd mutt nmh notmuch s-nail
)
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  echo "tests need ${missing[*]}: on Debian or Ubuntu, run as root: apt-get install ${packages[*]}" >&2
  exit 1
fi
echo "installing ${packages[*]}"
"${as_root[@]}" apt-get -qq update
# Level 1 keeps the packages from starting their services: tests start servers of their own.
"${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" >/dev/null
