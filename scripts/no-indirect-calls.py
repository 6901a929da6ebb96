#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Disassembles named functions of a program and fails on any indirect call in them.

    no-indirect-calls.py PROGRAM PATTERN...      functions whose demangled name matches a regular expression
        --no-calls [--allow PATTERN]...          also fails on direct calls, but to the functions allowed
    no-indirect-calls.py --self-test             on a small program, compiled for the purpose

A pattern that matches no function is a failure: a loop that was renamed is not a loop that was checked. What a compiler
moved into a cold part (`[clone .cold]`), where exceptions are thrown, is not looked at.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(?:(?:bnd|notrack|rep|data16|cs)\s+)*(call|jmp)[lqw]?\s+(.*?)\s*$")
# The jump of a switch is `*table(,%rax,8)`, or `*%rax` right behind the load of an offset from a table and its addition.
# Any other indirect jump is a tail call.
SWITCH_JUMP = re.compile(r"^\*(0x[0-9a-f]+)?\((%\w+)?,%\w+,8\)")
SWITCH_LOAD = re.compile(r"\s(movslq|movsxd|movzwl|movzbl|movs[bw]q)\s.*\(%\w+,%\w+(,[124])?\)")
TARGET = re.compile(r"<(.*?)(@plt)?(\+0x[0-9a-f]+)?>$")


def functions_of(program):
    """(name, instructions) of each function, as text."""
    command = ["objdump", "--disassemble", "--no-show-raw-insn", "--demangle", program]
    text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", errors="replace").stdout
    name, lines = None, []
    for line in text.split("\n"):
        start = FUNCTION.match(line)
        if start:
            if name is not None:
                yield name, lines
            name, lines = start[1], []
        elif name is not None and line:
            lines.append(line)
    if name is not None:
        yield name, lines


def calls_in(name, lines, no_calls, allowed):
    """The instructions that may not be there."""
    for number, line in enumerate(lines):
        match = INSTRUCTION.match(line)
        if not match:
            continue
        verb, operand = match[1], match[2]
        if verb == "jmp":
            target = TARGET.search(operand)
            leaves = target and not operand.startswith("*") and target[1] != name
            before = lines[max(0, number - 4) : number]
            switch = SWITCH_JUMP.match(operand) or any(map(SWITCH_LOAD.search, before))
            if operand.startswith("*") and not switch:
                yield line
            elif no_calls and leaves and not any(re.search(p, target[1]) for p in allowed):
                yield line
        elif operand.startswith("*"):
            yield line
        elif no_calls:
            target = TARGET.search(operand)
            if not target or not any(re.search(pattern, target[1]) for pattern in allowed):
                yield line


def check(program, patterns, no_calls=False, allowed=()):
    """The failures, as sentences."""
    failures, seen = [], set()
    for name, lines in functions_of(program):
        matching = [pattern for pattern in patterns if re.search(pattern, name)]
        if not matching or ".cold" in name or name.endswith("@plt"):
            continue
        seen.update(matching)
        failures += [f"{name}: {line.strip()}" for line in calls_in(name, lines, no_calls, allowed)]
    failures += [f"no function matches {pattern}" for pattern in patterns if pattern not in seen]
    return failures


SELF_TEST = r"""
struct base { virtual int f(int) = 0; virtual ~base() = default; };
extern "C" {
int leaf(int);
int direct(int* p, int n) { int s = 0; for (int i = 0; i < n; ++i) s += p[i] * 3; return s; }
int calls_leaf(int* p, int n) { int s = 0; for (int i = 0; i < n; ++i) s += leaf(p[i]); return s; }
int pointer(int (*f)(int), int n) { int s = 0; for (int i = 0; i < n; ++i) s += f(i); return s; }
int virtual_call(base& b, int n) { int s = 0; for (int i = 0; i < n; ++i) s += b.f(i); return s; }
int virtual_tail(base& b, int n) { return b.f(n); }
int table(int n, int m) {
    switch (n) {
        case 0: return leaf(m) + 3; case 1: return m * 7; case 2: return m - 4; case 3: return m / 5;
        case 4: return m ^ 77; case 5: return m << 3; case 6: return leaf(m * 3); default: return m;
    }
}
__attribute__((noinline)) int leaf(int i) { __asm__ volatile(""); return i + 1; }
}
struct derived : base { int f(int i) override { return i + leaf(i); } };
int main(int argc, char**) {
    derived d;
    int a[4] = {1, 2, 3, argc};
    return direct(a, 4) + calls_leaf(a, 4) + pointer(leaf, argc) + virtual_call(d, argc) + virtual_tail(d, argc)
        + table(argc, argc);
}
"""


def self_test(compiler):
    with tempfile.TemporaryDirectory() as work:
        source, program = os.path.join(work, "loops.cpp"), os.path.join(work, "loops")
        with open(source, "w", encoding="utf-8") as file:
            file.write(SELF_TEST)
        subprocess.run([compiler, "-std=c++20", "-O2", "-rdynamic", source, "-o", program], check=True)
        assert check(program, ["^direct$", "^calls_leaf$", "^table$"]) == []
        for name in ("pointer", "virtual_call", "virtual_tail"):
            failures = check(program, [f"^{name}$"])
            assert len(failures) >= 1 and all(name in failure for failure in failures), (name, failures)
        assert check(program, ["^direct$"], no_calls=True) == []
        assert len(check(program, ["^calls_leaf$"], no_calls=True)) >= 1
        assert check(program, ["^calls_leaf$"], no_calls=True, allowed=["^leaf$"]) == []
        assert check(program, ["^no_such_loop$"]) == ["no function matches ^no_such_loop$"]
    print(f"no-indirect-calls.py checks itself with {compiler}: ok")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--no-calls", action="store_true")
    parser.add_argument("--allow", action="append", default=[])
    parser.add_argument("program", nargs="?")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    if options.self_test:
        self_test(options.compiler)
        return
    if not options.program or not options.patterns:
        parser.error("a program and at least one pattern")
    failures = check(options.program, options.patterns, options.no_calls, options.allow)
    for failure in failures:
        print(failure)
    print(f"{len(failures)} calls or names that may not be" if failures else "no indirect call")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
