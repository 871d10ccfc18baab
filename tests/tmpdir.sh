#!/usr/bin/env bash
# Runs a command with a folder of its own for temporary files, in memory where there is room: a run of all tests writes tens of
# thousands of small files, and takes a sixth longer on a disk. What a failed command leaves stays until the next run.
set -euo pipefail
kept=.make/tmpdir
needed_gib=8

# Both count: files in memory take memory that processes need.
in_memory() {
    local free available
    [[ -d /dev/shm && -w /dev/shm && -r /proc/meminfo ]] || return 1
    free=$(df --output=avail --block-size=1G /dev/shm | tail -n 1)
    available=$(awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo)
    ((free >= needed_gib && available >= needed_gib + 4)) || return 1
    # Tests run programs from there. The name is short: a socket's path has 107 bytes.
    folder=$(mktemp -d /dev/shm/XXXXXX)
    chmod 755 "$folder" # some tests become another user
    printf '#!/bin/sh\n' >"$folder/program" && chmod +x "$folder/program" && "$folder/program" 2>/dev/null && rm "$folder/program"
}

if [[ -e $kept ]]; then
    rm -rf "$(readlink "$kept")" "$kept"
fi
folder=
if in_memory; then
    mkdir -p .make && ln -sfn "$folder" "$kept"
    export TMPDIR=$folder
elif [[ -n $folder ]]; then
    rm -rf "$folder"
fi
"$@"
if [[ -n ${TMPDIR:-} && $TMPDIR == "$folder" ]]; then
    rm -rf "$folder" "$kept"
fi
