#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""The fraud service under its load generator for some seconds, and its verdicts on payments that are known.

    test_fraud.py FRAUD LOAD [OPTION OF FRAUD…]
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

REQUEST = struct.Struct("<QQqqI")
VERDICT = struct.Struct("<QiB")
SECOND = 1_000_000_000


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port, service):
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except OSError:
            if service.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def ask(peer, requests, pieces=None):
    """The verdicts (sequence, score, decision) on requests that are sent at once, in pieces of a size if that is given."""
    data = b"".join(struct.pack(">I", REQUEST.size) + REQUEST.pack(*r) for r in requests)
    for at in range(0, len(data), pieces or len(data)):
        peer.sendall(data[at:at + (pieces or len(data))])
    size = (4 + VERDICT.size) * len(requests)
    answer = b""
    while len(answer) < size:
        piece = peer.recv(size - len(answer))
        if not piece:
            break
        answer += piece
    frames = [answer[at:at + 4 + VERDICT.size] for at in range(0, len(answer), 4 + VERDICT.size)]
    return [VERDICT.unpack(f[4:]) for f in frames if f[:4] == struct.pack(">I", VERDICT.size)]


def check_verdicts(port, service):
    """A sentence for each thing that is wrong."""
    now = time.time_ns()
    with connect(port, service) as peer:
        quiet = ask(peer, [(i, 10**9, 2500, now + i * 900 * SECOND, 1) for i in range(20)])
        if [v[0] for v in quiet] != list(range(20)) or {v[2] for v in quiet} != {1}:
            yield f"a card that pays now and then: {quiet}"
        burst = ask(peer, [(i, 10**9 + 1, 2500, now + i * SECOND, i) for i in range(20)], pieces=7)
        if [v[0] for v in burst] != list(range(20)) or burst[0][2] != 1 or burst[-1][2] != 0:
            yield f"a burst: {burst}"
    with connect(port, service) as peer:
        peer.sendall(b"\xff" * 64)
        if peer.recv(1) != b"":
            yield "a frame of an impossible length was answered"
    with connect(port, service) as peer:
        again = ask(peer, [(7, 10**9 + 1, 2500, now + 20 * SECOND, 1)])
        if len(again) != 1 or again[0][0] != 7 or again[0][2] != 0:
            yield f"the card of the burst, over another connection: {again}"


def main():
    program, load, *options = sys.argv[1:]
    port = free_port()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        svg = os.path.join(folder, "latency.svg")
        service = subprocess.Popen([program, "--port", str(port), *options], stderr=subprocess.PIPE, text=True)
        try:
            failed += check_verdicts(port, service)
            done = subprocess.run(
                [load, "--port", str(port), "--connections", "8", "--rate", "5000", "--seconds", "2", "--poisson",
                 "--late-ms", "10000", "--svg", svg], capture_output=True, text=True, timeout=60)
            if done.returncode != 0 or not os.path.exists(svg):
                failed.append(f"the load generator, exit code {done.returncode}:\n{done.stdout}{done.stderr}")
        finally:
            service.send_signal(signal.SIGINT)
            report = service.communicate(timeout=30)[1]
        if service.returncode != 0:
            failed.append(f"exit code {service.returncode}:\n{report}")
    for sentence in failed:
        print(f"test_fraud.py: {sentence}")
    print(f"test_fraud.py: {'as expected' if not failed else 'wrong'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
