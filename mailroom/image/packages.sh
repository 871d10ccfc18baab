#!/usr/bin/env bash
# Installs the image's Debian packages in the versions that are pinned here, and nothing that they merely recommend.
set -euo pipefail

clamav=${CLAMAV:-1.4.6+dfsg-0+deb12u1}
python=${PYTHON:-3.11.2-1+b1}
archive=${LIBARCHIVE:-3.6.2-1+deb12u5}
# A day on which Debian's archive had those versions; raised with them.
snapshot=20261122T000000Z

# Root certificates are not pinned: the newest are the right ones.
packages=(
  ca-certificates
  "clamav=$clamav" "clamav-base=$clamav" "clamav-daemon=$clamav" "clamav-freshclam=$clamav" "libclamav12=$clamav"
  "libarchive13=$archive"
  "python3=$python" "python3-venv=$python"
)

install() {
  # RUNLEVEL keeps the packages from starting services.
  apt-get -qq update "$@" \
    && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" "${packages[@]}"
}

if ! install; then
  # The archive has moved on to newer versions. Its past is kept, with lists that say that they are no longer valid.
  rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
  for suite in debian/$snapshot:bookworm debian/$snapshot:bookworm-updates debian-security/$snapshot:bookworm-security; do
    echo "deb http://snapshot.debian.org/archive/${suite%%:*} ${suite#*:} main" >>/etc/apt/sources.list
  done
  install -o Acquire::Check-Valid-Until=false
fi

# Definitions and settings are the project's own.
rm -rf /var/lib/apt/lists/* /var/lib/clamav/* /etc/clamav
