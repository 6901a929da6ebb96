#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Each rule of scripts/rooms.py is broken once, and has to be reported; a tree in order has to pass."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
import rooms  # noqa: E402

SPDX = "// SPDX-FileCopyrightText: 2026 The Millrace authors\n// SPDX-License-Identifier: BSL-1.0\n"
TOP = SPDX + "#pragma once\n"

IN_ORDER = {
    "include/millrace/dsl.hpp": TOP + "\n// All words.\n\n#include <millrace/dsl/map.hpp>\n",
    "include/millrace/millrace.hpp": TOP + "#include <millrace/dsl.hpp>\n#include <millrace/scheduler/run.hpp>\n",
    "include/millrace/model/record.hpp": TOP + "#include <type_traits>\n\n#include <boost/hana/tuple.hpp>\n",
    "include/millrace/state/table.hpp": TOP + "#include <sys/mman.h>\n#include <millrace/model/record.hpp>\n",
    "dsl/millrace/dsl/map.hpp": TOP + "#include <millrace/state/table.hpp>\n#define MILLRACE_MAP 1\n",
    "dsl/millrace/dsl/explain.hpp": TOP + "#include <string>\n",
    "io/millrace/io/ring.hpp": TOP + "#include <string>\n#include <liburing.h>\n#include <millrace/model/record.hpp>\n",
    "scheduler/millrace/scheduler/run.hpp": TOP + "#include <millrace/dsl/map.hpp>\n#include <millrace/io/ring.hpp>\n",
    "tests/dsl/map.cpp": SPDX + "#include <regex>\n",
    "scripts/x.sh": "#!/bin/sh\n" + SPDX.replace("//", "#"),
}

# name: (file, content or None, what the report says)
BROKEN = {
    "model_sees_state": ("include/millrace/model/a.hpp", TOP + "#include <millrace/state/table.hpp>\n", "model may not include state"),
    "state_sees_metrics": ("include/millrace/state/a.hpp", TOP + "#include <millrace/metrics/x.hpp>\n", "state may not include metrics"),
    "model_sees_umbrella": ("include/millrace/model/a.hpp", TOP + "#include <millrace/dsl.hpp>\n", "model may not include umbrellas"),
    "dsl_sees_io": ("dsl/millrace/dsl/a.hpp", TOP + "#include <millrace/io/ring.hpp>\n", "dsl may not include io"),
    "io_sees_dsl": ("io/millrace/io/a.hpp", TOP + "#  include <millrace/dsl/map.hpp>\n", "io may not include dsl"),
    "io_sees_scheduler": ("io/millrace/io/a.hpp", TOP + "#include <millrace/scheduler/run.hpp>\n", "io may not include scheduler"),
    "dsl_sees_scheduler": ("dsl/millrace/dsl/a.hpp", TOP + "#include <millrace/scheduler/run.hpp>\n", "dsl may not include scheduler"),
    "model_uses_string": ("include/millrace/model/a.hpp", TOP + "#include <string>\n", "model may not use <string>"),
    "dsl_uses_vector": ("dsl/millrace/dsl/a.hpp", TOP + "#include <vector>\n", "dsl may not use <vector>"),
    "dsl_uses_chrono": ("dsl/millrace/dsl/a.hpp", TOP + "#include <chrono>\n", "dsl may not use <chrono>"),
    "dsl_uses_a_container": ("dsl/millrace/dsl/a.hpp", TOP + "#include <boost/unordered/unordered_flat_map.hpp>\n", "dsl may not use <boost/unordered"),
    "dsl_uses_the_system": ("dsl/millrace/dsl/a.hpp", TOP + "#include <sys/mman.h>\n", "dsl may not use <sys/mman.h>"),
    "io_uses_iostream": ("io/millrace/io/a.hpp", TOP + "#include <iostream>\n", "io may not use <iostream>"),
    "io_uses_hana": ("io/millrace/io/a.hpp", TOP + "#include <boost/hana.hpp>\n", "io may not use <boost/hana.hpp>"),
    "scheduler_uses_liburing": ("scheduler/millrace/scheduler/a.hpp", TOP + "#include <liburing.h>\n", "scheduler may not use <liburing.h>"),
    "quotes": ("dsl/millrace/dsl/a.hpp", TOP + '#include "millrace/dsl/map.hpp"\n', "is written <millrace/dsl/map.hpp>"),
    "quotes_outside": ("dsl/millrace/dsl/a.hpp", TOP + '#include "map.hpp"\n', "headers are included as"),
    "umbrella_with_code": ("include/millrace/io.hpp", TOP + "struct a {};\n", "nothing but includes"),
    "umbrella_with_std": ("include/millrace/io.hpp", TOP + "#include <tuple>\n", "umbrellas may not use <tuple>"),
    "no_room": ("dsl/millrace/a.hpp", TOP, "stands in no room"),
    "no_licence_header": ("dsl/millrace/dsl/a.hpp", "#pragma once\n", "SPDX"),
    "no_licence_source": ("tests/dsl/a.cpp", "int main() {}\n", "SPDX"),
    "no_licence_script": ("scripts/a.py", "print()\n", "SPDX"),
    "no_licence_cmake": ("tests/CMakeLists.txt", "project(x)\n", "SPDX"),
    "no_pragma": ("dsl/millrace/dsl/a.hpp", SPDX + "\n#pragma once\n", "#pragma once"),
    "long_header": ("dsl/millrace/dsl/a.hpp", TOP + "\n" * 398, "401 lines"),
    "long_line": ("dsl/millrace/dsl/a.hpp", TOP + "// " + "x" * 98 + "\n", "101 columns"),
    "macro": ("dsl/millrace/dsl/a.hpp", TOP + "#define ASSERT(x)\n", "macro ASSERT"),
    "enable_if": ("dsl/millrace/dsl/a.hpp", TOP + "std::enable_if_t<true> f();\n", "write a concept"),
    "util": ("dsl/millrace/dsl/util/a.hpp", TOP, "no folder is called util"),
    "machine_path": ("docs/a.md", "see /" + "home/someone/x\n", "path of one machine"),
    "stale_exception": ("dsl/millrace/dsl/explain.hpp", TOP, "take it off the list"),
}


def reports_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, content in files.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        return list(rooms.violations(root, {("dsl/millrace/dsl/explain.hpp", "string"): "a test"}))


class Rooms(unittest.TestCase):
    def test_in_order(self):
        self.assertEqual(reports_of(IN_ORDER), [])

    def test_header_of_400_lines_passes(self):
        self.assertEqual(reports_of(IN_ORDER | {"dsl/millrace/dsl/a.hpp": TOP + "\n" * 397}), [])


def make_test(path, content, expected):
    def test(self):
        reports = reports_of(IN_ORDER | {path: content})
        self.assertEqual({report[0] for report in reports}, {path}, reports)
        self.assertIn(expected, reports[0][2])

    return test


for name, case in BROKEN.items():
    setattr(Rooms, f"test_reports_{name}", make_test(*case))

if __name__ == "__main__":
    unittest.main()
