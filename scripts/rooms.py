#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Checks who may include whom, and the habits that a compiler does not see. Prints one line a violation.

    rooms.py [--root DIR]

The arrows: model <- state, metrics <- dsl, io <- scheduler <- umbrellas. The roots of the CMake targets prove that dsl
and io never see each other; this script knows the finer arrows and what each room may use from outside.
"""

import argparse
import os
import re
import sys

# room: (folder, rooms it may include)
ROOMS = {
    "model": ("include/millrace/model", ("model",)),
    "state": ("include/millrace/state", ("model", "state")),
    "metrics": ("include/millrace/metrics", ("model", "metrics")),
    "dsl": ("dsl/millrace/dsl", ("model", "state", "metrics", "dsl")),
    "io": ("io/millrace/io", ("model", "state", "metrics", "io")),
    "scheduler": ("scheduler/millrace/scheduler", ("model", "state", "metrics", "dsl", "io", "scheduler")),
    "umbrellas": ("include/millrace", ("model", "state", "metrics", "dsl", "io", "scheduler", "umbrellas")),
}

# What reaches `millrace/dsl.hpp` may use these of the standard library, and no others: half a second of a CPU is gone
# with <string>, <vector> and <memory> before a line of ours.
LIGHT = set(
    "array bit cassert cerrno cfloat cinttypes climits cmath compare concepts cstddef cstdint cstdio cstdlib cstring "
    "exception initializer_list limits new numbers optional source_location string_view tuple type_traits utility "
    "version".split()
)
# At the edge all is allowed but what costs more than it gives.
HEAVY = set("functional future fstream iomanip iostream istream ostream ranges regex sstream strstream".split())

POSIX = re.compile(r"(sys|linux|netinet|arpa|net)/[a-z0-9_]+\.h|(fcntl|unistd|poll|signal|sched|pthread|sysexits|errno|netdb)\.h")
HANA = re.compile(r"boost/hana(/.*)?\.hpp")
IO_LIBRARIES = re.compile(r"(liburing|simdjson)\.h|librdkafka/rdkafka\.h")
VECTOR_UNITS = re.compile(r"([a-z]?mmintrin|arm_neon)\.h")
STATE_SYSTEM = re.compile(r"sys/mman\.h|unistd\.h")  # pages for tables

# room: (may use this standard header?, patterns of other headers)
OUTSIDE = {
    "model": (LIGHT.__contains__, (HANA,)),
    "state": (LIGHT.__contains__, (STATE_SYSTEM,)),
    "metrics": (LIGHT.__contains__, ()),
    "dsl": (LIGHT.__contains__, (HANA,)),
    "io": (lambda header: header not in HEAVY, (POSIX, IO_LIBRARIES, VECTOR_UNITS)),
    "scheduler": (lambda header: header not in HEAVY, (POSIX,)),
    "umbrellas": (lambda header: False, ()),
}

# (file, header): why this one may
EXCEPTIONS = {
    ("scheduler/millrace/scheduler/stop_signals.hpp", "boost/asio/io_context.hpp"): "the control thread of programs",
    ("scheduler/millrace/scheduler/stop_signals.hpp", "boost/asio/signal_set.hpp"): "the control thread of programs",
    ("dsl/millrace/dsl/explain.hpp", "string"): "explain makes text; it is not part of millrace/dsl.hpp (L18)",
}

HEADER_LINES_MAX = 400
COLUMNS_MAX = 100  # a sentence of a diagnostic stays whole, whatever its length
LICENCE = ("SPDX-FileCopyrightText: 2026 The Millrace authors", "SPDX-License-Identifier: BSL-1.0")
LICENSED = re.compile(r"(\.(hpp|cpp|h|cmake|py|sh)|/CMakeLists\.txt|/\.ci/run)$")
FOLDERS = ("include", "dsl", "io", "scheduler", "tests", "bench", "examples", "docs", "scripts", "cmake", ".ci")
INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]")
STANDARD = re.compile(r"[a-z_0-9]+")
MACRO = re.compile(r"^\s*#\s*define\s+(\w+)")
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(root|home|work)/")


def room_of(path):
    """The room a header is in; umbrellas are only what stands directly in include/millrace."""
    for room, (folder, _) in ROOMS.items():
        if room == "umbrellas":
            if os.path.dirname(path) == folder:
                return room
        elif path.startswith(folder + "/"):
            return room
    return None


def room_of_include(name):
    parts = name.split("/")
    return "umbrellas" if len(parts) == 2 else parts[1]


def check_include(path, room, quote, name, exceptions):
    if name.startswith("millrace/"):
        if quote != "<":
            return f'"{name}" is written <{name}>'
        target = room_of_include(name)
        if target not in ROOMS[room][1]:
            return f"{room} may not include {target}: <{name}>"
        return None
    if quote != "<":
        return f'"{name}": headers are included as <millrace/…>'
    if (path, name) in exceptions:
        return None
    standard, patterns = OUTSIDE[room]
    if STANDARD.fullmatch(name):
        return None if standard(name) else f"{room} may not use <{name}>"
    if any(pattern.fullmatch(name) for pattern in patterns):
        return None
    return f"{room} may not use <{name}>"


def check_header(path, lines, exceptions):
    """Violations in one header of the library."""
    room = room_of(path)
    if room is None:
        yield 1, "stands in no room: " + ", ".join(folder for folder, _ in ROOMS.values())
        return
    if len(lines) < 3 or lines[2] != "#pragma once":
        yield 3, "the third line of a header is #pragma once"
    if len(lines) > HEADER_LINES_MAX:
        yield len(lines), f"{len(lines)} lines; a header ends by {HEADER_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if include:
            problem = check_include(path, room, include[1], include[2], exceptions)
            if problem:
                yield number, problem
        elif room == "umbrellas" and line and not line.startswith(("//", "#pragma once")):
            yield number, "an umbrella holds nothing but includes"
        macro = MACRO.match(line)
        if macro and not macro[1].startswith("MILLRACE_"):
            yield number, f"macro {macro[1]}: the names of macros begin with MILLRACE_"
        if len(line) > COLUMNS_MAX and '"' not in line and "NOLINT" not in line:
            yield number, f"{len(line)} columns; a line ends by {COLUMNS_MAX}"
        if re.search(r"\benable_if(_t)?\b", line):
            yield number, "enable_if: write a concept"


def check_paths(paths):
    for path in paths:
        folders = path.split("/")[:-1]
        for bad in ("util", "utils", "common"):
            if bad in folders:
                yield path, 1, f"no folder is called {bad}: name it for what it holds"
        if folders.count("detail") > 1:
            yield path, 1, "detail/ is one folder per root"


def files_of(root):
    for folder in FOLDERS:
        for parent, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if f not in ("__pycache__", "build"))
            for name in sorted(names):
                yield os.path.relpath(os.path.join(parent, name), root)
    for name in sorted(os.listdir(root)):
        if os.path.isfile(os.path.join(root, name)) and not name.startswith(".git"):
            yield name


def violations(root, exceptions):
    paths = list(files_of(root))
    yield from check_paths(paths)
    used = set()
    for path in paths:
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                lines = file.read().split("\n")
        except UnicodeDecodeError:
            continue  # test data
        if lines and lines[-1] == "":
            lines.pop()
        if LICENSED.search("/" + path):
            head = "\n".join(lines[:3])
            if not all(line in head for line in LICENCE):
                yield path, 1, "does not begin with the two SPDX lines"
        if path.endswith(".hpp") and path.split("/")[0] in ("include", "dsl", "io", "scheduler"):
            for number, problem in check_header(path, lines, exceptions):
                yield path, number, problem
            used |= {(path, m[2]) for m in map(INCLUDE.match, lines) if m}
        if not path.endswith(".csv"):
            for number, line in enumerate(lines, 1):
                if MACHINE_PATH.search(line) and path not in ("scripts/rooms.py", "tests/rooms/test_rooms.py"):
                    yield path, number, "names a path of one machine"
    for path, header in sorted(set(exceptions) - used):
        if os.path.exists(os.path.join(root, path)):
            yield path, 1, f"does not use <{header}> any more: take it off the list of exceptions"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    options = parser.parse_args()
    found = list(violations(options.root, EXCEPTIONS))
    for path, number, problem in found:
        print(f"{path}:{number}: {problem}")
    print(f"rooms: {len(found)} violations" if found else "rooms: in order")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
