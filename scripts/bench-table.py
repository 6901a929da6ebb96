#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Prints the JSON lines of scripts/bench.sh as a table: bench-table.py [--gate] FILE"""

import json
import sys


def verdict(row):
    reached = (lambda bound: row["ratio"] <= bound) if row["better"] == "lower" else (lambda bound: row["ratio"] >= bound)
    return "aim" if reached(row["aim"]) else "ok" if reached(row["must"]) else "MISS"


def main():
    gate = "--gate" in sys.argv
    with open([argument for argument in sys.argv[1:] if argument != "--gate"][0], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    width = max([5] + [len(row["bench"]) for row in rows])
    print(f"{'bench':<{width}}  {'compiler':<28} {'ratio':>7} {'must':>6} {'aim':>6}       {'ours':>9} {'reference':>9}  unit")
    for row in sorted(rows, key=lambda row: (row["bench"], row["compiler"])):
        sign = "<=" if row["better"] == "lower" else ">="
        print(
            f"{row['bench']:<{width}}  {row['compiler']:<28} {row['ratio']:>7.3f} {sign}{row['must']:>4g} {sign}{row['aim']:>4g}"
            f" {verdict(row):<5} {row['ours']:>9.3f} {row['reference']:>9.3f}  {row['unit']}"
        )
    missed = sum(verdict(row) == "MISS" for row in rows)
    print(f"{len(rows)} ratios, {missed} miss what they must")
    sys.exit(1 if gate and missed else 0)


if __name__ == "__main__":
    main()
