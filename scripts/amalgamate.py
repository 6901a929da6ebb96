#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Writes one header that holds headers of Millrace and all they include of it, each once, to standard output.

    amalgamate.py [HEADER]... > millrace-core.hpp

Without arguments: the core language, its plan, and the test driver, which runs it in memory. It needs Hana, and nothing
of the system.
"""

import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
ROOTS = ("include", "dsl", "io", "scheduler")
CORE = ("millrace/dsl.hpp", "millrace/dsl/plan.hpp", "millrace/test.hpp")
INCLUDE = re.compile(r"\s*#\s*include\s*<(millrace/[^>]+)>")
SPDX = "// SPDX-FileCopyrightText: 2026 The Millrace authors\n// SPDX-License-Identifier: BSL-1.0\n"


def find(name):
    for root in ROOTS:
        path = os.path.join(TOP, root, name)
        if os.path.exists(path):
            return path
    raise SystemExit(f"amalgamate.py: no header <{name}>")


def emit(name, seen, out):
    """The text of a header behind that of the headers it includes."""
    if name in seen:
        return
    seen.add(name)
    with open(find(name), encoding="utf-8") as file:
        lines = file.read().splitlines()
    body = []
    for line in lines:
        include = INCLUDE.match(line)
        if include:
            emit(include[1], seen, out)
        elif not line.startswith("// SPDX-") and line != "#pragma once":
            body.append(line)
    out.append(f"\n// {name}\n" + "\n".join(body).strip("\n") + "\n")


def main():
    headers = tuple(sys.argv[1:]) or CORE
    out, seen = [], set()
    for header in headers:
        emit(header, seen, out)
    sys.stdout.write(f"{SPDX}#pragma once\n\n// {', '.join(headers)} in one file, made by scripts/amalgamate.py.\n")
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
