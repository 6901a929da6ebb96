#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Installs the Debian 12 packages that are missing; says nothing when all are there.
#   scripts/install.sh          what the tests and gates need
#   scripts/install.sh demo     only what the examples need
set -euo pipefail

demo=(g++ cmake ninja-build pkg-config python3 libboost1.81-dev liburing-dev libsimdjson-dev)
all=("${demo[@]}" binutils ccache clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev librdkafka-dev
    libbenchmark-dev libgtest-dev libgmock-dev)

case "${1:-all}" in
demo) wanted=("${demo[@]}") ;;
all) wanted=("${all[@]}") ;;
*)
    echo "usage: scripts/install.sh [demo|all]" >&2
    exit 64
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "install.sh: not a Debian system; these packages are taken to be there: ${wanted[*]}" >&2
    exit 0
fi
missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [[ $status == "install ok installed" ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "install.sh: missing ${missing[*]}; run this as root: apt-get install ${missing[*]}" >&2
        exit 69
    fi
    root=(sudo)
fi
echo "installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# --no-remove: libboost1.81-dev conflicts with Debian's default Boost, which is not ours to remove.
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0)
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends --no-remove "${missing[@]}"; } \
    >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "install.sh: apt-get failed; if libboost-dev is in the way: apt-get remove libboost-dev libboost1.74-dev" >&2
    exit 69
fi
