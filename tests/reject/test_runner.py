#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""The runner has to pass the good fixture and to fail each of the others, for its reason: test_runner.py COMPILER."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import runner  # noqa: E402

COMPILER = sys.argv.pop(1) if len(sys.argv) > 1 else "g++"
REASONS = {
    "good": None,
    "compiles": "it compiles",
    "two_errors": "2 errors; exactly one is allowed",
    "wrong_text": "does not say: millrace: map",
    "too_long": "lines of diagnostic; at most 12",
    "wrong_line": "points at line 5 of the user's file first; his mistake is on line 6",
    "no_expectation": "no `// expect: …`",
    "not_here": "does not name the user's file",
}


class Runner(unittest.TestCase):
    def test_every_fixture_has_a_reason(self):
        fixtures = {name[:-4] for name in os.listdir(os.path.join(HERE, "fixtures")) if name.endswith(".cpp")}
        self.assertEqual(fixtures, set(REASONS))


def make_test(name, reason):
    def test(self):
        wrong, diagnostic = runner.run(COMPILER, [], os.path.join(HERE, "fixtures", name + ".cpp"))
        if reason is None:
            self.assertEqual(wrong, [], diagnostic)
        else:
            self.assertEqual(len(wrong), 1, (wrong, diagnostic))
            self.assertIn(reason, wrong[0], diagnostic)

    return test


for name, reason in REASONS.items():
    setattr(Runner, f"test_{name}", make_test(name, reason))

if __name__ == "__main__":
    unittest.main()
