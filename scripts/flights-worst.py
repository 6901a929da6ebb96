#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Prints the ten carrier-hours with the greatest mean delay in the output of `flights`, as a table."""

import datetime
import heapq
import json
import sys


def main():
    rows = {}
    with open(sys.argv[1], encoding="utf-8") as output:
        for line in output:
            row = json.loads(line)
            # With --lateness a window may have several rows: the last one holds.
            rows[row["window_start_ms"], row["origin"], row["carrier"]] = row
    print(f"the ten worst of {len(rows)} carrier-hours, by mean delay")
    print(f"{'scheduled (UTC)':<22} {'from':<5} {'carrier':<7} {'flights':>7} {'mean min':>9} {'max min':>8}")
    for row in heapq.nlargest(10, rows.values(), key=lambda row: row["mean_delay_min"]):
        start, end = (
            datetime.datetime.fromtimestamp(row[key] / 1000, datetime.timezone.utc)
            for key in ("window_start_ms", "window_end_ms")
        )
        print(
            f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} {row['origin']:<5} {row['carrier']:<7} {row['flights']:>7}"
            f" {row['mean_delay_min']:>9.1f} {row['max_delay_min']:>8}"
        )


if __name__ == "__main__":
    main()
