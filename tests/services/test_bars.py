#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Ticks over multicast into the bars service: do the bars and gaps come that the sender says have to?

    test_bars.py BARS TICKS [OPTION OF BARS…]
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BAR = struct.Struct("<B8sqqqqqQQ")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_bound(port):
    """Has anybody a UDP socket on this port?"""
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with open(table, encoding="ascii") as file:
            if any(line.split()[1].endswith(f":{port:04X}") for line in file):
                return True
    return False


def main():
    program, ticks, *options = sys.argv[1:]
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    listener.bind(("127.0.0.1", 0))
    listener.settimeout(20)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        gap_file = os.path.join(folder, "gaps.ndjson")
        service = subprocess.Popen(
            [program, "--port", str(port), "--to-port", str(listener.getsockname()[1]), "--gaps", gap_file, *options],
            stderr=subprocess.PIPE, text=True)
        bars, gaps, seen = [], [], []
        try:
            deadline = time.monotonic() + 20
            while not is_bound(port) and service.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            sent = subprocess.run([ticks, "--port", str(port)], capture_output=True, text=True, timeout=60, check=True)
            lines = sent.stdout.splitlines()
            bars = sorted(line.split()[1:] for line in lines if line.startswith("bar"))
            gaps = sorted(line.split()[1:] for line in lines if line.startswith("gap"))
            while len(seen) < len(bars):
                data = listener.recv(2048)
                length, symbol, *numbers = BAR.unpack(data)
                seen.append([symbol[:length].decode(), *map(str, numbers)])
        except (socket.timeout, struct.error) as e:
            print(f"test_bars.py: {len(seen)} of {len(bars)} bars came: {e}")
        finally:
            service.send_signal(signal.SIGINT)
            report = service.communicate(timeout=30)[1]
        failed = 0
        if service.returncode != 0:
            failed += 1
            print(f"test_bars.py: exit code {service.returncode}")
        if sorted(seen) != bars:
            failed += 1
            print("test_bars.py: bars differ:", *[b for b in bars if b not in seen][:5], "came as",
                  *[b for b in seen if b not in bars][:5])
        found = []
        if os.path.exists(gap_file):
            with open(gap_file, encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
            found = sorted([r["symbol"], str(r["first"]), str(r["last"])] for r in rows)
        if found != gaps or not gaps:
            failed += 1
            print(f"test_bars.py: {len(found)} gaps, expected {len(gaps)}")
        if failed:
            print(report)
        print(f"test_bars.py: {len(bars)} bars and {len(gaps)} gaps, {'as expected' if not failed else 'wrong'}")
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
