#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Copies the JSON lines of a benchmark from standard input, sets their compiler, refuses lines that are not whole."""

import json
import sys

KEYS = ("bench", "compiler", "ratio", "must", "aim", "better", "ours", "reference", "unit")


def main():
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise SystemExit(f"not a JSON line: {line}")
        row["compiler"] = sys.argv[1]
        missing = [key for key in KEYS if key not in row]
        if missing or row["better"] not in ("lower", "higher"):
            raise SystemExit(f"a line without {missing or 'better: lower or higher'}: {line}")
        print(json.dumps({key: row[key] for key in KEYS} | row, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
