#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""The rate limiter as its users see it: starts it, asks it over TCP, stops it by a signal.

    test_rate_limiter.py PROGRAM [OPTION…]
"""

import re
import signal
import socket
import subprocess
import sys
import threading
import time

RATE, BURST = 2, 10


class Limiter:
    def __init__(self, arguments):
        self.process = subprocess.Popen(
            [*arguments, "--port", "0", "--rate", str(RATE), "--burst", str(BURST)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on port (\d+)\n", line)
        if not found:
            self.process.kill()
            raise SystemExit(f"test_rate_limiter.py: it did not start: {line}{self.process.stderr.read()}")
        self.port = int(found[1])

    def ask(self, keys, pieces=None):
        """The answers to all keys, asked at once over a connection of their own, which is half closed behind them."""
        with socket.create_connection(("localhost", self.port), timeout=30) as peer:
            text = "".join(f"{key}\n" for key in keys).encode()

            def send():
                for at in range(0, len(text), pieces or len(text)):
                    peer.sendall(text[at:at + (pieces or len(text))])
                peer.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            data = b""
            while piece := peer.recv(65536):
                data += piece
            sender.join()
            return data.decode().splitlines()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)
        return self.process.returncode, self.process.stderr.read()


def expect(what, right, seen):
    if not right:
        print(f"test_rate_limiter.py: {what}: {seen}")
    return 0 if right else 1


def main():
    limiter = Limiter(sys.argv[1:])
    failed = 0
    try:
        begun = time.monotonic()
        answers = limiter.ask(["alice"] * 50)
        most = BURST + RATE * (time.monotonic() - begun) + 1
        allowed = answers.count("allow")
        failed += expect("a burst", len(answers) == 50 and BURST <= allowed <= most
                         and answers[:BURST] == ["allow"] * BURST, answers)
        failed += expect("another key has its own bucket", limiter.ask(["bob"]) == ["allow"], "")
        failed += expect("an empty bucket", limiter.ask(["alice"] * 3).count("deny") >= 2, "")

        # Twenty thousand keys, twelve questions each, shuffled by a stride: each answer stands where its question stood.
        keys = 20_000
        order = [(i * 7919) % keys for i in range(keys)] * 12
        begun = time.monotonic()
        answers = limiter.ask([f"key-{k}" for k in order])
        seconds = time.monotonic() - begun
        allowed = {}
        for key, answer in zip(order, answers):
            if answer == "allow":
                allowed[key] = allowed.get(key, 0) + 1
        most = BURST + RATE * seconds + 1
        failed += expect("answers to many keys", len(answers) == len(order), len(answers))
        failed += expect("no answer is busy or bad", set(answers) <= {"allow", "deny"}, set(answers))
        failed += expect("each key by itself", len(allowed) == keys and all(BURST <= n <= most for n in allowed.values()),
                         (min(allowed.values()), max(allowed.values()), most))

        mixed = limiter.ask(["", "x" * 33, "carol", "y" * 32 + "\r"], pieces=1)
        failed += expect("bad keys", mixed == ["bad", "bad", "allow", "allow"], mixed)

        # A peer that goes away without reading, and one that never says anything.
        rude = socket.create_connection(("localhost", limiter.port))
        rude.sendall(b"dave\n" * 1000)
        rude.close()
        silent = socket.create_connection(("localhost", limiter.port))
        crowd = [threading.Thread(target=lambda n=n: results.append(limiter.ask([f"guest-{n}"] * 20))) for n in range(20)]
        results = []
        for t in crowd:
            t.start()
        for t in crowd:
            t.join()
        failed += expect("many at once", all(len(r) == 20 and r[:BURST] == ["allow"] * BURST for r in results)
                         and len(results) == 20, results)
        silent.close()
    finally:
        code, report = limiter.stop()
    failed += expect("its end", code == 0 and "records" in report, (code, report))
    print(f"test_rate_limiter.py: {'as expected' if failed == 0 else f'{failed} wrong'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
