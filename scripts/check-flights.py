#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Checks the results of `flights` against an independent computation from the rules on its page.

    check-flights.py --program build/debug/bin/flights [--input FILE]
        runs the program over disorders, windows, latenesses and batch sizes, each on 1 to 4 partitions
    check-flights.py --input FILE --output F --late F [--dead F] [--window 1h] [--disorder 30min] [--lateness 0min]
        checks the files of one run
    check-flights.py --self-test
        checks the checker, on a few rows computed by hand

The rules. A row without a departure is dropped before its event time is read. Event time is `time_hour` + `minute`,
UTC. Windows [s, e) are aligned to the epoch. With M the greatest event time of the records before a record, its window
is closed, and the record late, if M - disorder - lateness >= e; due if M - disorder >= e. A window gives a row when it
is due or the input ends, and then a row for each allowed late record.
"""

import argparse
import calendar
import collections
import csv
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time

UNITS_MS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MONTH = os.path.join(ROOT, "examples", "flights", "data", "2013-01.csv")
PARTITIONS = ["1", "2", "3", "4"]


def duration_ms(text):
    match = re.fullmatch(r"(\d+)(ms|s|min|h|d)", text)
    if not match:
        raise SystemExit(f"not a duration: {text}")
    return int(match[1]) * UNITS_MS[match[2]]


def read(path):
    """The lines of a CSV file, and for each (event time in ms, origin, carrier, delay in minutes), None or "bad"."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
    columns = lines[0].split(",") if lines else []
    at = {name: columns.index(name) for name in ("origin", "carrier", "time_hour", "minute", "dep_delay")}
    hours = {}
    records = []
    for line, row in zip(lines[1:], csv.reader(lines[1:])):
        try:
            if len(row) != len(columns):
                raise ValueError("columns")
            if row[at["dep_delay"]] in ("NA", ""):
                records.append((line, None))
                continue
            hour = row[at["time_hour"]]
            if hour not in hours:
                hours[hour] = calendar.timegm(time.strptime(hour, "%Y-%m-%dT%H:%M:%SZ")) * 1000
            event = hours[hour] + int(row[at["minute"]]) * 60_000
            records.append((line, (event, row[at["origin"]], row[at["carrier"]], int(row[at["dep_delay"]]))))
        except ValueError:
            records.append((line, "bad"))
    return records


def expected(records, window, disorder, lateness):
    """(rows by (start, end, origin, carrier), in order; late lines; dead lines)"""
    delays = collections.defaultdict(list)  # what is in a window, by key
    rows = collections.defaultdict(list)
    late, dead = [], []
    newest = None

    def row_of(key):
        values = delays[key]
        return (len(values), sum(values) / len(values), max(values))

    open_keys = collections.defaultdict(set)  # by end: keys that have not given a row
    for line, record in records:
        if record == "bad":
            dead.append(line)
            continue
        if record is None:
            continue
        event, origin, carrier, delay = record
        start = event // window * window
        end = start + window
        key = (start, end, origin, carrier)
        if newest is not None and newest - disorder - lateness >= end:
            late.append(line)
        elif newest is not None and newest - disorder >= end:
            delays[key].append(delay)
            rows[key].append(row_of(key))
        else:
            delays[key].append(delay)
            open_keys[end].add(key)
        if newest is None or event > newest:
            newest = event
            for end in [e for e in open_keys if e <= newest - disorder]:
                for key in open_keys.pop(end):
                    rows[key].append(row_of(key))
    for keys in open_keys.values():
        for key in keys:
            rows[key].append(row_of(key))
    return rows, late, dead


def read_rows(path):
    rows = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            row = json.loads(line)
            names = ["window_start_ms", "window_end_ms", "origin", "carrier", "flights", "mean_delay_min", "max_delay_min"]
            if list(row) != names:
                raise SystemExit(f"{path}:{number}: fields {list(row)}, expected {names}")
            rows[tuple(row[name] for name in names[:4])].append(tuple(row[name] for name in names[4:]))
    return rows


def same_row(a, b):
    return a[0] == b[0] and a[2] == b[2] and abs(a[1] - b[1]) <= 1e-9 * max(1.0, abs(b[1]))


def read_lines(path):
    if path is None:
        return None
    with open(path, encoding="utf-8", newline="") as file:
        return file.read().splitlines()


def compare(want, output, late, dead):
    """The differences, as sentences."""
    want_rows, want_late, want_dead = want
    rows = read_rows(output)
    wrong = []
    for key in sorted(set(want_rows) | set(rows)):
        ours, theirs = rows.get(key, []), want_rows.get(key, [])
        if len(ours) != len(theirs) or not all(map(same_row, ours, theirs)):
            wrong.append(f"window {key}: got {ours}, expected {theirs}")
    for name, path, lines in (("late", late, want_late), ("dead", dead, want_dead)):
        if path is None:
            continue
        got = collections.Counter(read_lines(path))
        missing, surplus = collections.Counter(lines) - got, got - collections.Counter(lines)
        wrong += [f"{name}: missing {line}" for line in missing] + [f"{name}: surplus {line}" for line in surplus]
    return wrong


def report(title, wrong, want):
    rows = sum(map(len, want[0].values()))
    print(f"{'ok' if not wrong else 'WRONG':<5} {title}: {rows} rows, {len(want[1])} late, {len(want[2])} dead", flush=True)
    for sentence in wrong[:5]:
        print("      " + sentence)
    if len(wrong) > 5:
        print(f"      … and {len(wrong) - 5} more")
    return not wrong


def run_program(program, path, extra):
    records = read(path)
    batches = itertools.cycle(["1", "64", "1000", "65536", "7"])  # five, so that each meets each of PARTITIONS
    cases = [(d, w, "0min") for d in ("0min", "30min", "3h") for w in ("1h", "15min")]
    cases += [("0min", "1h", "1h"), ("30min", "15min", "2h"), ("30min", "1h", "7min")]
    fine = True
    with tempfile.TemporaryDirectory() as work:
        output, late, dead = (os.path.join(work, name) for name in ("output", "late", "dead"))
        halves = [os.path.join(work, "first.csv"), os.path.join(work, "second.csv")]
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines(keepends=True)
        for half, part in zip(halves, (lines[1 : len(lines) // 2], lines[len(lines) // 2 :])):
            with open(half, "w", encoding="utf-8", newline="") as file:
                file.write("".join(lines[:1] + part))
        runs = [(case, [path]) for case in cases] + [(("30min", "1h", "0min"), halves)]
        for (disorder, window, lateness), inputs in runs:
            want = expected(records, duration_ms(window), duration_ms(disorder), duration_ms(lateness))
            settings = ["--window", window, "--disorder", disorder, "--lateness", lateness]
            for partitions in PARTITIONS:
                more = ["--batch", next(batches), "--partitions", partitions]
                command = [program, "--input", *inputs, *settings, *more]
                command += ["--output", output, "--late", late, "--dead", dead, *extra]
                title = " ".join(settings + more) + (f", {len(inputs)} files" if len(inputs) > 1 else "")
                for old in (output, late, dead):
                    if os.path.exists(old):
                        os.remove(old)
                run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if run.returncode:
                    wrong = [f"exit code {run.returncode}: {run.stderr.strip()[-500:]}"]
                else:
                    wrong = compare(want, output, late, dead)
                fine &= report(title, wrong, want)
    return fine


def self_test():
    minute = 60_000
    record = lambda m, delay: (f"row {m} {delay}", (m * minute, "EWR", "UA", delay))
    records = [record(5, 1), record(65, 2), record(10, 3), (("gone"), None), record(130, 4), record(20, 5), ("x", "bad")]
    first, second, third = ((h * 60 * minute, (h + 1) * 60 * minute, "EWR", "UA") for h in range(3))
    rows, late, dead = expected(records, 60 * minute, 0, 0)
    assert rows == {first: [(1, 1.0, 1)], second: [(1, 2.0, 2)], third: [(1, 4.0, 4)]}, rows
    assert late == ["row 10 3", "row 20 5"] and dead == ["x"]
    rows, late, _ = expected(records, 60 * minute, 10 * minute, 0)  # 65 - 10 < 60: row 10 is on time; 130 closes
    assert rows[first] == [(2, 2.0, 3)] and late == ["row 20 5"], (rows, late)
    rows, late, _ = expected(records, 60 * minute, 0, 60 * minute)  # 65 makes it due; 10 updates; 130 - 60 >= 60 closes
    assert rows[first] == [(1, 1.0, 1), (2, 2.0, 3)] and late == ["row 20 5"], (rows, late)
    rows, late, _ = expected(records, 60 * minute, 0, 70 * minute + 1)
    assert rows[first] == [(1, 1.0, 1), (2, 2.0, 3), (3, 3.0, 5)] and late == [], (rows, late)
    rows, late, _ = expected([record(5, 1), record(60, 2), record(4, 3)], 60 * minute, 0, 0)  # 60 >= 60: closed
    assert rows[first] == [(1, 1.0, 1)] and late == ["row 4 3"], (rows, late)
    with tempfile.TemporaryDirectory() as work:
        output, late = os.path.join(work, "output"), os.path.join(work, "late")
        row = {"window_start_ms": 0, "window_end_ms": 3600000, "origin": "EWR", "carrier": "UA", "flights": 1}
        for mean, good in ((1.0, True), (1.0000001, False)):
            with open(output, "w", encoding="utf-8") as file:
                file.write(json.dumps(row | {"mean_delay_min": mean, "max_delay_min": 1}) + "\n")
            with open(late, "w", encoding="utf-8") as file:
                file.write("a\n")
            assert (compare(({first: [(1, 1.0, 1)]}, ["a"], []), output, late, None) == []) == good
            assert compare(({first: [(1, 1.0, 1)]}, ["b"], []), output, late, None) != []
            assert compare(({}, ["a"], []), output, late, None) != []
    print("ok    check-flights.py checks itself")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program")
    parser.add_argument("--input", default=MONTH)
    parser.add_argument("--output")
    parser.add_argument("--late")
    parser.add_argument("--dead")
    parser.add_argument("--window", default="1h")
    parser.add_argument("--disorder", default="30min")
    parser.add_argument("--lateness", default="0min")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("extra", nargs="*", help="further arguments of the program, behind --")
    options = parser.parse_args()
    if options.self_test:
        fine = self_test()
    elif options.program:
        fine = run_program(options.program, options.input, options.extra)
    elif options.output:
        settings = (duration_ms(text) for text in (options.window, options.disorder, options.lateness))
        want = expected(read(options.input), *settings)
        fine = report(options.output, compare(want, options.output, options.late, options.dead), want)
    else:
        parser.error("one of --program, --output and --self-test")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
