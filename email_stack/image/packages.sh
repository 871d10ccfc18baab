#!/usr/bin/env bash
# Installs the image's Debian packages in the versions that are pinned here, and nothing that they merely recommend.
set -euo pipefail

python=${PYTHON:-3.11.2-1+b1}
# A day on which Debian's archive had those versions; raised with them.
snapshot=20261122T000000Z

# Root certificates are not pinned: the newest are the right ones.
packages=(ca-certificates "python3=$python" "python3-venv=$python")

install() {
  apt-get -qq update "$@" \
    && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" "${packages[@]}"
}

if ! install; then
  # The archive has moved on to newer versions. Its past is kept, with lists that say that they are no longer valid.
  rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
  for suite in debian/$snapshot:bookworm debian/$snapshot:bookworm-updates debian-security/$snapshot:bookworm-security; do
    echo "deb http://snapshot.debian.org/archive/${suite%%:*} ${suite#*:} main" >>/etc/apt/sources.list
  done
  install -o Acquire::Check-Valid-Until=false
fi

rm -rf /var/lib/apt/lists/*
