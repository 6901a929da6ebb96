#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Is the load generator's verdict right? It asks services that behave, and services that do not.

    test_load.py PROGRAM
"""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

REQUESTS = 500  # of a run: 500 a second for one second, no warm-up


def read_exactly(peer, count):
    data = b""
    while len(data) < count:
        piece = peer.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def reply_to(frame):
    return struct.pack(">I", 13) + frame[:8] + b"\0\0\0\0\1"


class Service:
    """Answers each request by `behave(number on its connection, its reply, state)`: the bytes to send, or None to close."""

    def __init__(self, behave):
        self.behave = behave
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        state = {}
        number = 0
        with peer:
            while True:
                prefix = read_exactly(peer, 4)
                if prefix is None:
                    return
                frame = read_exactly(peer, struct.unpack(">I", prefix)[0])
                if frame is None or len(frame) != 36:
                    return
                answer = self.behave(number, reply_to(frame), state)
                number += 1
                if answer is None:
                    return
                try:
                    peer.sendall(answer)
                except OSError:
                    return


def swapped(number, reply, state):
    if number == 20:
        state["kept"] = reply
        return b""
    return reply + state.pop("kept", b"")


def slow_once(number, reply, _):
    if number == 20:
        time.sleep(0.3)
    return reply


def in_pieces(number, reply, state):
    held = state.get("held", b"") + reply
    state["held"] = held[-3:]
    return held[:-3]


# name: (behaviour, exit code, words of the table's last row or of the line below)
CASES = {
    "good": (lambda n, r, s: r, 0, ["  0      0      0\n"]),
    "two replies swapped": (swapped, 1, ["out of order"]),
    "a reply left out": (lambda n, r, s: b"" if n == 20 else r, 1, ["out of order"]),
    "the last replies left out": (lambda n, r, s: b"" if n >= 240 else r, 1, []),
    "a reply twice": (lambda n, r, s: r * 2 if n == 20 else r, 1, ["connection"]),
    "closed": (lambda n, r, s: None if n == 20 else r, 1, ["closed by the service"]),
    "a wrong sequence": (lambda n, r, s: r[:4] + b"\xff" * 8 + r[12:] if n == 20 else r, 1, ["out of order"]),
    "an impossible length": (lambda n, r, s: b"\xff" * 4 + r[4:] if n == 20 else r, 1, ["impossible length"]),
    "late": (slow_once, 1, []),
    "cut at every reply": (in_pieces, 1, []),  # the last three bytes never come: one lost a connection
}


def main():
    program = sys.argv[1]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (behave, code, words) in CASES.items():
            service = Service(behave)
            svg = os.path.join(folder, "latency.svg")
            arguments = ["--connections", "2", "--rate", str(REQUESTS), "--seconds", "1", "--warm-up", "0"]
            arguments += ["--port", str(service.port), "--late-ms", "150" if name == "late" else "5000"]
            arguments += ["--drain-ms", "500", "--svg", svg]
            done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
            service.listener.close()
            text = done.stdout + done.stderr
            right = done.returncode == code and all(word in text for word in words)
            if right and code == 0:
                with open(svg, encoding="utf-8") as file:
                    drawn = file.read()
                right = right and drawn.startswith("<svg") and drawn.endswith("</svg>\n")
            if not right:
                failed += 1
                print(f"test_load.py: «{name}»: exit code {done.returncode}, expected {code} and {words}:\n{text}")
        # A stall must show in the answers that came due meanwhile: 0.3 s at 250/s a connection are 75 of 500.
        service = Service(slow_once)
        saved = os.path.join(folder, "saved")
        subprocess.run([program, "--connections", "2", "--rate", str(REQUESTS), "--seconds", "1", "--warm-up", "0",
                        "--port", str(service.port), "--late-ms", "5000", "--save", saved], check=True, timeout=60,
                       capture_output=True)
        with open(saved, encoding="utf-8") as file:
            buckets = [tuple(map(int, line.split())) for line in file]
        slow = sum(count for edge, count in buckets if edge > 50_000_000)
        total = sum(count for _, count in buckets)
        if total != REQUESTS or not 100 <= slow <= 200:
            failed += 1
            print(f"test_load.py: «stall»: {slow} of {total} answers took over 50 ms, expected about 125 of {REQUESTS}")
    print(f"test_load.py: {len(CASES) + 1 - failed} of {len(CASES) + 1} as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
