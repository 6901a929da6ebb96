#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Tries the README's two commands as a new user would: a fresh Debian 12 with nothing but git, a clean clone of what is
# committed. Needs root, debootstrap and 3 GB: scripts/try-fresh.sh [FOLDER]. What is in FOLDER/root is used again; the
# clone is always new.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:-${TMPDIR:-/tmp}/millrace-fresh}
root=$folder/root
mirror=${MILLRACE_MIRROR:-http://deb.debian.org/debian}
((EUID == 0)) || {
    echo "try-fresh.sh: debootstrap needs root" >&2
    exit 77
}

mkdir -p "$folder"
if [[ ! -e $root/usr/bin/git ]]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=git,ca-certificates bookworm "$root" "$mirror" >"$folder/debootstrap.log"
    printf 'deb %s bookworm main\ndeb %s bookworm-updates main\n' "$mirror" "$mirror" >"$root/etc/apt/sources.list"
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"
rm -rf "$root/srv/millrace"
git clone --quiet --no-hardlinks . "$root/srv/millrace"

unmount() { umount "$root/dev/pts" "$root/dev" "$root/proc" 2>/dev/null || true; }
trap unmount EXIT
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"

inside() {
    local start=$SECONDS
    printf '\n==== %s\n' "$*"
    chroot "$root" env -i HOME=/srv LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        bash -c "cd /srv/millrace && $*" </dev/null
    echo "==== $* took $((SECONDS - start)) s"
}
inside ./scripts/demo.sh
inside ./scripts/test.sh
