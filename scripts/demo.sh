#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# The flights job on one month of departures from New York: its plan, the ten worst carrier-hours, the report. It takes
# all processors that it may use; what is said here goes to the program: scripts/demo.sh --cores 0
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

scripts/install.sh demo
echo "building (the first time takes a minute)" >&2
quietly "configure" cmake --preset release
quietly "build" cmake --build --preset release --parallel "$jobs" --target flights

out=build/demo
mkdir -p "$out"
flights=build/release/bin/flights
arguments=(--input examples/flights/data/2013-01.csv --window 1h --disorder 30min --lateness 0min
    --output "$out/delays.ndjson" --late "$out/late.csv" --dead "$out/dead.csv" "$@")

echo "== the plan"
"$flights" "${arguments[@]}" --explain=text
echo
echo "== the run"
"$flights" "${arguments[@]}" 2>"$out/report.txt" </dev/null || {
    status=$?
    cat "$out/report.txt" >&2
    exit "$status"
}
python3 scripts/flights-worst.py "$out/delays.ndjson"
echo
cat "$out/report.txt"
echo
echo "results: $out/delays.ndjson, late rows: $out/late.csv, bad rows: $out/dead.csv"
