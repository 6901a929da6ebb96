#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""The latency table of `fraud`: at 50 and 80 per cent of its own capacity, beside a bare echo on io_uring at the same rates.

usage: latency.py FOLDER-OF-THE-PROGRAMS [--svg FILE] [--rounds N] [--seconds X]

The load runs on processor 0, the side that answers on processor 1; both spin. Service and echo alternate, and keep what they
know from round to round; a row of the table is the round with the median p99.
"""

import argparse
import pathlib
import re
import signal
import subprocess
import tempfile
import time

UNITS = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}


class Side:
    """A server that runs only within its blocks: both want the same processor for themselves."""

    def __init__(self, name: str, command: list[str], port: int):
        self.name, self.port = name, str(port)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        self.process.send_signal(signal.SIGSTOP)

    def __enter__(self):
        self.process.send_signal(signal.SIGCONT)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGSTOP)

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()


def load(folder: pathlib.Path, side: Side, *options: str) -> str:
    command = [str(folder / "fraud_load"), "--port", side.port, "--cpu", "0", "--busy", "--connections", "16", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2 or "asked/s" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def latencies(output: str) -> list[float]:
    """p50, p90, p99, p99.9 and the maximum of the last row, in microseconds."""
    row = output.strip().splitlines()[-1]
    return [float(value) * UNITS[unit] for value, unit in re.findall(r"([\d.]+) (ns|us|ms|s)\b", row)][:5]


def text(us: float) -> str:
    return f"{us:.1f} µs" if us < 100 else f"{us:.0f} µs" if us < 1000 else f"{us / 1000:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--svg")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5)
    asked = parser.parse_args()
    sides = [
        Side("`fraud`", [str(asked.folder / "fraud"), "--port", "17400", "--cores", "1", "--wait", "spin"], 17400),
        Side("bare echo", [str(asked.folder / "fraud_echo"), "17401", "1"], 17401),
    ]
    with sides[0]:
        steps = load(asked.folder, sides[0], "--steps", "--rate", "100000", "--seconds", "0.7", "--limit-us", "5000")
    capacity = int(re.search(r"capacity: (\d+)", steps).group(1))
    print(f"capacity: {capacity} requests/s with a p99 within 5 ms\n")
    print("| of the capacity | requests/s | | p50 | p99 | p99.9 | max |\n| --- | --- | --- | --- | --- | --- | --- |")
    saved = tempfile.TemporaryDirectory()
    curves = []
    for percent in (50, 80):
        rate = capacity * percent // 100
        rounds = {side.name: [] for side in sides}
        for number in range(asked.rounds):
            for side in sides:
                file = f"{saved.name}/{percent}-{side.port}-{number}"
                with side:
                    out = load(asked.folder, side, "--rate", str(rate), "--warm-up", "0.2", "--seconds", str(asked.seconds), "--save", file)
                rounds[side.name].append((latencies(out), file))
        for side in sides:
            median = sorted(rounds[side.name], key=lambda one: one[0][2])[asked.rounds // 2]
            p50, _, p99, p999, most = median[0]
            print(f"| {percent} % | {rate} | {side.name} | {text(p50)} | {text(p99)} | {text(p999)} | {text(most)} |")
            curves.append((f"{side.name.strip('`')}, {rate}/s", median[1]))
    if asked.svg:
        # The picture's first line is of a run of its own; the saved ones are the table's.
        with sides[1]:
            options = [word for name, file in curves for word in ("--with", f"{name}={file}")]
            load(asked.folder, sides[1], "--rate", "1000", "--seconds", "0.5", "--name", "bare echo, 1000/s", "--svg", asked.svg, *options)
    for side in sides:
        side.end()


main()
