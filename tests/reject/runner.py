#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Compiles what must not compile, with the user's default flags, and checks what the compiler says.

    runner.py --compiler g++ [--include DIR]... [--jobs N] CASE.cpp...

In a case, `// expect: <text>` (one or more) is text that the diagnostic has to hold, and `// here` at the end of a line
marks the user's mistake (of a stage over several lines, g++ names the last and clang the first: mark both). A case
passes if the compiler fails with exactly one error, in at most 12 lines, says all the expected texts, and names the
case's own file; where lines are marked, the first place it names in that file is one of them.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

LINES_MAX = 12
ERROR = re.compile(r"(^|\s)(fatal )?error: ", re.M)
INCLUDED = re.compile(r"^(In file included from|\s+from) ")


def read_case(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    expected = [line.removeprefix("// expect: ").strip() for line in lines if line.startswith("// expect: ")]
    marked = [number for number, line in enumerate(lines, 1) if line.rstrip().endswith("// here")]
    return expected, marked


def places_in(path, diagnostic):
    """The lines of the case's own file that the diagnostic points at, in order."""
    name = re.escape(os.path.basename(path))
    places = []
    for line in diagnostic.split("\n"):
        match = None if INCLUDED.match(line) else re.match(rf"(?:\S*/)?{name}:(\d+)", line)
        if match:
            places.append(int(match[1]))
    return places


def judge(path, failed, diagnostic):
    """What is wrong with the diagnostic, as sentences."""
    expected, marked = read_case(path)
    if not expected:
        return ["the case has no `// expect: …`"]
    if not failed:
        return ["it compiles"]
    wrong = []
    errors = len(ERROR.findall(diagnostic))
    if errors != 1:
        wrong.append(f"{errors} errors; exactly one is allowed")
    lines = sum(1 for line in diagnostic.split("\n") if line.strip())
    if lines > LINES_MAX:
        wrong.append(f"{lines} lines of diagnostic; at most {LINES_MAX}")
    wrong += [f"does not say: {text}" for text in expected if text not in diagnostic]
    places = places_in(path, diagnostic)
    if not places:
        wrong.append("does not name the user's file")
    elif marked and places[0] not in marked:
        lines_marked = " or ".join(map(str, marked))
        wrong.append(f"points at line {places[0]} of the user's file first; his mistake is on line {lines_marked}")
    return wrong


def run(compiler, includes, path):
    command = [compiler, "-std=c++20", "-fsyntax-only", *(f"-I{folder}" for folder in includes), path]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            encoding="utf-8", errors="replace", env=os.environ | {"LC_ALL": "C.UTF-8"}, timeout=120)
    return judge(path, result.returncode != 0, result.stderr), result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()

    failures = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        verdicts = pool.map(lambda path: run(options.compiler, options.include, path), options.cases)
        for path, (wrong, diagnostic) in zip(options.cases, verdicts):
            if wrong:
                failures += 1
                print(f"FAIL {path}: " + "; ".join(wrong))
                print("".join(f"     | {line}\n" for line in diagnostic.rstrip().split("\n")[:40]), end="")
            else:
                print(f"ok   {path}")
    print(f"{options.compiler}: {len(options.cases) - failures} of {len(options.cases)} cases are refused as they should be")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
