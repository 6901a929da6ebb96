#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Holds the code size of chained flat_maps to linear growth: code-size.py [--compiler g++]

A stage with several call sites of its downstream would double the code with each stage. Compiled are pipelines of 0, 2, 4
and 8 flat_maps that emit from three places; from 4 to 8 a stage may add at most `GROWTH_MAX` times what it adds from 2
to 4. Bytes of machine code of the bare loop at -O2: what runs it would only blur the figures.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
ROOTS = [f"-I{os.path.join(TOP, root)}" for root in ("include", "dsl", "io", "scheduler")]
CHAINS = (0, 2, 4, 8)
GROWTH_MAX = 1.5


def pipeline(stages):
    flat_maps = "".join(
        f"\n        | millrace::flat_map<3>([](int const& x, millrace::emitter<int>& emit) {{"
        f"\n              emit(x);\n              if (x > {i}) emit(x - 1);\n              emit(x * 3);\n          }})"
        for i in range(stages)
    )
    return (
        "#include <array>\n#include <millrace/dsl.hpp>\nstruct environment {};\n"
        "int main() {\n    std::array<int, 3> numbers{1, 2, 3};\n"
        f"    auto p = millrace::from(numbers){flat_maps}\n        | millrace::discard();\n"
        "    using p_type = decltype(p);\n    environment env;\n"
        "    millrace::detail::fused_loop<p_type, environment, millrace::detail::nodes_of<p_type>> loop(std::move(p), env);\n"
        "    while (loop.poll<0>(64) == millrace::source_state::more) loop.settle(64);\n"
        "    return static_cast<int>(loop.mark(0).ns);\n}\n"
    )


def exponential(stages):
    """What the check has to refuse: three call sites of each next stage, all inlined."""
    text = "volatile int sink;\ninline __attribute__((always_inline)) void f0(int x) { sink = x; }\n"
    for i in range(1, stages + 1):
        text += (
            f"inline __attribute__((always_inline)) void f{i}(int x) {{"
            f" f{i - 1}(x); if (x > {i}) f{i - 1}(x - 1); f{i - 1}(x * 3); }}\n"
        )
    return text + f"int main(int n, char**) {{ f{stages}(n); }}\n"


def code_bytes(compiler, text, work):
    source, output = os.path.join(work, "source.cpp"), os.path.join(work, "source.o")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    if subprocess.run([compiler, "-std=c++20", "-O2", *ROOTS, "-c", source, "-o", output]).returncode:
        raise SystemExit("code-size.py: the generated pipeline does not compile")
    sections = subprocess.run(["size", "-A", output], check=True, capture_output=True, text=True).stdout
    return sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", sections, re.M))


def measure(compiler, generate, chains):
    with tempfile.TemporaryDirectory() as work:
        return {stages: code_bytes(compiler, generate(stages), work) for stages in chains}


def linear(sizes):
    """Whether the later stages add no more than the earlier ones did, and what a stage adds."""
    counts = sorted(sizes)[-3:]
    early = (sizes[counts[1]] - sizes[counts[0]]) / (counts[1] - counts[0])
    late = (sizes[counts[2]] - sizes[counts[1]]) / (counts[2] - counts[1])
    return late <= max(early, 64) * GROWTH_MAX, early, late


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        assert not linear(measure(options.compiler, exponential, (1, 3, 5)))[0]
        assert linear({2: 1000, 4: 2000, 8: 4000})[0]
        print("code-size.py checks itself: ok")
        return
    sizes = measure(options.compiler, pipeline, CHAINS)
    fine, early, late = linear(sizes)
    print(f"{options.compiler}: " + ", ".join(f"{stages} flat_maps {size} bytes" for stages, size in sizes.items()))
    print(f"a stage adds {early:.0f} bytes from 2 to 4, {late:.0f} from 4 to 8: {'linear' if fine else 'NOT linear'}")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
