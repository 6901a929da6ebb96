#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""What the umbrella headers and pipelines of 1, 5, 20 and 60 stages cost to compile.

    compile-cost.py             prints the table; fails where a count exceeds scripts/compile-cost.json
    compile-cost.py --counts    only what is gated: no seconds, no memory (what CI runs)
    compile-cost.py --update    writes the counts, and a tenth more, as the new limits

Gated are counts, which are the same on every machine with the same packages: the headers that an umbrella opens, its
lines after the preprocessor (both compilers), and the templates that a pipeline instantiates (clang). Stages have to be
linear: from 20 to 60, a stage may cost at most `growth` times what it costs from 5 to 20. Seconds and memory are printed
to be read: CPU seconds at -O2, the least of three.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
LIMITS = os.path.join(TOP, "scripts", "compile-cost.json")
COMPILERS = ("g++", "clang++-19")
FLAGS = ["-std=c++20"] + [f"-I{os.path.join(TOP, root)}" for root in ("include", "dsl", "io", "scheduler")]
STAGES = (0, 1, 5, 20, 60)
GROWTH_MAX = 1.25


def pipeline(stages):
    """A program with one pipeline of as many maps; with none, only what it includes."""
    text = "#include <array>\n#include <millrace/millrace.hpp>\n"
    if stages:
        maps = "".join(f"\n        | millrace::map([](int x) {{ return x + {i}; }})" for i in range(stages))
        text += (
            "int main() {\n    std::array<int, 3> numbers{1, 2, 3};\n"
            f"    return millrace::run(millrace::from(numbers){maps}\n        | millrace::discard()).ok();\n}}\n"
        )
    return text


def run(command):
    """(standard output, standard error, CPU seconds, peak memory in MB) of a command that has to succeed."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}\n{err.read()[:4000]}")
        return out.read(), err.read(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def header_counts(compiler, source):
    _, opened, _, _ = run([compiler, *FLAGS, "-H", "-fsyntax-only", source])
    paths = {os.path.realpath(line.split(" ", 1)[1]) for line in opened.split("\n") if line.startswith(".")}
    text, _, _, _ = run([compiler, *FLAGS, "-E", "-P", source])
    return {"headers": len(paths), "lines": text.count("\n")}


def instantiations(source, work):
    """Classes and functions that clang instantiates."""
    output = os.path.join(work, "trace.o")
    run(["clang++-19", *FLAGS, "-O0", "-c", "-ftime-trace", "-ftime-trace-granularity=0", source, "-o", output])
    with open(os.path.join(work, "trace.json"), encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    return sum(event["name"] in ("InstantiateClass", "InstantiateFunction") for event in events)


def seconds(compiler, source, work):
    runs = [run([compiler, *FLAGS, "-O2", "-c", source, "-o", os.path.join(work, "timed.o")]) for _ in range(3)]
    return min(r[2] for r in runs), max(r[3] for r in runs)


def umbrellas():
    folder = os.path.join(TOP, "include", "millrace")
    return [f"millrace/{name}" for name in sorted(os.listdir(folder)) if name.endswith(".hpp")]


def measure(timed):
    """{"headers": {umbrella: {compiler: counts}}, "stages": {count: instantiations}}; prints the table."""
    counts = {"headers": {}, "stages": {}}
    with tempfile.TemporaryDirectory() as work:
        source = os.path.join(work, "source.cpp")

        def write(text):
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)

        def time_columns():
            if not timed:
                return ""
            return "".join("{:>10.2f} {:>8.0f}".format(*seconds(compiler, source, work)) for compiler in COMPILERS)

        titles = "".join(f"{name + ' s':>10} {'MB':>8}" for name in ("g++", "clang")) if timed else ""
        print(f"{'header':<26} {'opened':>7} {'lines':>8} {'(clang)':>8} {'lines':>8}{titles}")
        for umbrella in umbrellas():
            write(f"#include <{umbrella}>\n")
            row = {compiler: header_counts(compiler, source) for compiler in COMPILERS}
            counts["headers"][umbrella] = row
            columns = [value for compiler in COMPILERS for value in row[compiler].values()]
            print("{:<26} {:>7} {:>8} {:>8} {:>8}".format(umbrella, *columns) + time_columns(), flush=True)
        print(f"\n{'stages':<26} {'instantiated':>16} {'a stage':>17}{titles}")
        before = None
        for stages in STAGES:
            write(pipeline(stages))
            count = instantiations(source, work)
            counts["stages"][str(stages)] = count
            each = "" if before is None else f"{(count - before[1]) / (stages - before[0]):.1f}"
            print(f"{stages:<26} {count:>16} {each:>17}" + time_columns(), flush=True)
            before = (stages, count)
    return counts


def flat(counts):
    for umbrella, compilers in counts["headers"].items():
        for compiler, values in compilers.items():
            for what, value in values.items():
                yield f"{umbrella} {compiler} {what}", value
    for stages, value in counts["stages"].items():
        yield f"{stages} stages: instantiations", value


def exceeded(counts, limits):
    """The failures, as sentences."""
    allowed = dict(flat(limits))
    failures = []
    for what, value in flat(counts):
        if what not in allowed:
            failures.append(f"{what}: {value}, and no limit is known; scripts/compile-cost.py --update")
        elif value > allowed[what]:
            failures.append(f"{what}: {value}, the limit is {allowed[what]}")
    at = {int(stages): value for stages, value in counts["stages"].items()}
    early, late = (at[20] - at[5]) / 15, (at[60] - at[20]) / 40
    if late > early * limits["growth"]:
        failures.append(f"stages are not linear: {early:.1f} instantiations each from 5 to 20, {late:.1f} from 20 to 60")
    return failures


def with_room(value):
    return {k: with_room(v) for k, v in value.items()} if isinstance(value, dict) else -(-value * 11 // 10)


def self_test():
    counts = {"headers": {"a.hpp": {"g++": {"headers": 10, "lines": 100}}},
              "stages": {"0": 5, "1": 10, "5": 50, "20": 200, "60": 600}}
    limits = with_room(counts) | {"growth": GROWTH_MAX}
    assert exceeded(counts, limits) == []
    worse = json.loads(json.dumps(counts))
    worse["headers"]["a.hpp"]["g++"]["lines"] = 111
    assert exceeded(worse, limits) == ["a.hpp g++ lines: 111, the limit is 110"]
    worse["headers"]["b.hpp"] = {"g++": {"lines": 1}}
    assert len(exceeded(worse, limits)) == 2
    square = counts | {"stages": {str(n): n * n for n in STAGES}}
    assert "not linear" in exceeded(square, with_room(square) | {"growth": GROWTH_MAX})[0]
    print("compile-cost.py checks itself: ok")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
        return
    counts = measure(timed=not options.counts and not options.update)
    if options.update:
        with open(LIMITS, "w", encoding="utf-8") as file:
            json.dump(with_room(counts) | {"growth": GROWTH_MAX}, file, indent=2)
            file.write("\n")
        return
    if not os.path.exists(LIMITS):
        raise SystemExit("\ncompile-cost.py: no limits are known yet: compile-cost.py --update")
    with open(LIMITS, encoding="utf-8") as file:
        failures = exceeded(counts, json.load(file))
    print("\n" + ("\n".join(failures) or "all counts are within their limits"))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
