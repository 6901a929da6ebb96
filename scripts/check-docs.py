#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
"""Checks the documentation: README.md, CONTRIBUTING.md, docs/**/*.md. Prints one line a violation.

    check-docs.py [--root DIR]                  check
    check-docs.py --fix [--flights PROGRAM]     rewrite the included blocks (and examples/flights/plan.txt)
    check-docs.py --flights PROGRAM             also compare plan.txt with what `PROGRAM --explain=text` prints
    check-docs.py --self-test

A block is included by the line directly above it: `<!-- include: examples/a.hpp#name -->` means the text between the two
lines `// [name]` of that file, without its common indentation; `<!-- include: examples/a.txt -->` means the whole file.
What is checked: each block has a language; each C++ block is included, from a file that the build compiles; each
included block equals its source; each relative link leads to a file, and to a heading where it names one; each header
that an umbrella includes has its page; each page of a word has the fields in FIELDS, in that order; each test that
docs/internals/faults.md names exists.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

MARKER = re.compile(r"^<!-- include: (\S+?)(?:#([\w-]+))? -->$")
REGION = re.compile(r"^\s*// \[([\w-]+)\]$")
FENCE = re.compile(r"^```(.*)$")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$")
TEST = re.compile(r"^(?:TYPED_)?TEST(?:_P|_F)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
TEST_NAMED = re.compile(r"`(\w+\.\w+)`")
UMBRELLA_INCLUDE = re.compile(r"#include <millrace/(model|dsl|io|scheduler)/(\w+)\.hpp>")

CPP = ("cpp", "c++", "C++", "cxx")
COMPILED = ("examples/", "tests/")  # what CMake builds

# The fixed fields of a page of a word, as the first column of its first table.
FIELDS = ["signature", "requires", "emits", "state and its bound", "cost", "errors"]

# header: the page where it is explained, if that is not the page of its own name; None: it is no word of a user's
PAGES = {
    "dsl/compose": None,
    "dsl/complete": None,
    "dsl/loop": None,
    "dsl/pipeline": None,
    "dsl/explain": "plan",
    "io/decode_format": "decode",
    "io/json_reader": "json",
    "io/json_writer": "json",
    "io/standard_io": "file",
    "model/describe": "records",
    "model/field": "records",
    "scheduler/program": "run",
    "scheduler/test_driver": "test-driver",
}
# The page whose code spans `suite.name` are tests.
TESTS_PAGE = "docs/internals/faults.md"
# Pages of things that are no stage have no such fields.
OTHER_PAGES = ("command-line", "errors", "plan", "records", "report", "row", "run", "test-driver", "text", "time")


class Docs:
    def __init__(self, root, fix=False):
        self.root = root
        self.fix = fix
        self.violations = []

    def blame(self, place, sentence):
        self.violations.append(f"{place}: {sentence}")

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read().splitlines()

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def pages(self):
        found = [p for p in ("README.md", "CONTRIBUTING.md") if self.exists(p)]
        pattern = os.path.join(self.root, "docs", "**", "*.md")
        return found + sorted(os.path.relpath(p, self.root) for p in glob.glob(pattern, recursive=True))

    # --- included blocks ---
    def source_of(self, place, path, region):
        """The lines that a marker names, or None."""
        if not self.exists(path):
            self.blame(place, f"there is no {path}.")
            return None
        lines = self.read(path)
        if region is None:
            return lines
        ends = [i for i, line in enumerate(lines) if (m := REGION.match(line)) and m[1] == region]
        if len(ends) != 2:
            self.blame(place, f"{path} has {len(ends)} lines `// [{region}]`, not two.")
            return None
        inside = [line for line in lines[ends[0] + 1 : ends[1]] if not REGION.match(line)]
        while inside and not inside[-1].strip():
            inside.pop()
        indent = min((len(s) - len(s.lstrip()) for s in inside if s.strip()), default=0)
        return [line[indent:].rstrip() for line in inside]

    def check_blocks(self, page):
        lines = self.read(page)
        out = []
        changed = False
        at = 0
        while at < len(lines):
            fence = FENCE.match(lines[at])
            if not fence:
                if MARKER.match(lines[at]) and not (at + 1 < len(lines) and FENCE.match(lines[at + 1])):
                    self.blame(f"{page}:{at + 1}", "an include marker stands above no block.")
                out.append(lines[at])
                at += 1
                continue
            place = f"{page}:{at + 1}"
            end = at + 1
            while end < len(lines) and lines[end] != "```":
                end += 1
            if end == len(lines):
                self.blame(place, "the block is never closed.")
                return
            body = lines[at + 1 : end]
            language = fence[1].strip()
            marker = MARKER.match(lines[at - 1]) if at > 0 else None
            if not language:
                self.blame(place, "the block has no language. Write cpp, sh, text, cmake, json …")
            if marker:
                if language in CPP and not marker[1].startswith(COMPILED):
                    self.blame(place, f"{marker[1]} is not compiled. Include from examples/ or tests/.")
                wanted = self.source_of(place, marker[1], marker[2])
                if wanted is not None and wanted != body:
                    if self.fix:
                        body = wanted
                        changed = True
                    else:
                        self.blame(place, f"the block is not what {marker[1]} has. Run scripts/check-docs.py --fix.")
            elif language in CPP:
                self.blame(place, "a C++ block is not included from a compiled file. Put a marker above it.")
            out += [lines[at], *body, "```"]
            at = end + 1
        if changed:
            with open(os.path.join(self.root, page), "w", encoding="utf-8") as file:
                file.write("\n".join(out) + "\n")

    # --- links ---
    @staticmethod
    def prose(lines):
        """The lines outside of blocks, by number, without code spans."""
        inside = False
        for number, line in enumerate(lines, 1):
            if FENCE.match(line):
                inside = not inside
            elif not inside:
                yield number, re.sub(r"`[^`]*`", "", line)

    def anchors(self, page):
        out = set()
        inside = False
        for line in self.read(page):
            if FENCE.match(line):
                inside = not inside
            heading = None if inside else HEADING.match(line)
            if heading:
                text = heading[1].lower().replace("`", "")
                out.add(re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-"))
        return out

    def check_links(self, page):
        for number, line in self.prose(self.read(page)):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                full = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                if not self.exists(full):
                    self.blame(f"{page}:{number}", f"the link {target} leads nowhere.")
                elif anchor and full.endswith(".md") and anchor not in self.anchors(full):
                    self.blame(f"{page}:{number}", f"{full} has no heading #{anchor}.")

    # --- pages ---
    def words(self):
        """The pages that the umbrellas' headers ask for: header -> page."""
        out = {}
        for umbrella in sorted(glob.glob(os.path.join(self.root, "include", "millrace", "*.hpp"))):
            for room, stem in UMBRELLA_INCLUDE.findall("\n".join(self.read(umbrella))):
                page = PAGES.get(f"{room}/{stem}", stem)
                if page:
                    out[f"{room}/{stem}.hpp"] = page
        return out

    def check_pages(self):
        for header, page in self.words().items():
            if not self.exists(f"docs/reference/{page}.md"):
                self.blame(f"docs/reference/{page}.md", f"{header} has no page.")
        for path in sorted(glob.glob(os.path.join(self.root, "docs", "reference", "*.md"))):
            page = os.path.relpath(path, self.root)
            stem = os.path.splitext(os.path.basename(path))[0]
            if stem == "README" or stem in OTHER_PAGES:
                continue
            lines = self.read(page)
            rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
            if [row for row in rows if row in FIELDS] != FIELDS:
                self.blame(page, "it lacks the fields of a page: " + ", ".join(FIELDS) + ".")
            if "## Example" not in lines:
                self.blame(page, "it has no example.")

    def check_tests(self):
        """Each test that TESTS_PAGE names exists."""
        if not self.exists(TESTS_PAGE):
            return
        tests = set()
        for path in glob.glob(os.path.join(self.root, "tests", "**", "*.cpp"), recursive=True):
            with open(path, encoding="utf-8") as file:
                tests.update(".".join(names) for names in TEST.findall(file.read()))
        for number, line in enumerate(self.read(TESTS_PAGE), 1):
            for name in TEST_NAMED.findall(line):
                if name not in tests:
                    self.blame(f"{TESTS_PAGE}:{number}", f"there is no test {name}.")

    def check(self):
        for page in self.pages():
            self.check_blocks(page)
            self.check_links(page)
        self.check_pages()
        self.check_tests()
        return self.violations


def check_flights(root, program, fix):
    """Compares examples/flights/plan.txt with what the program prints."""
    path = os.path.join(root, "examples/flights/plan.txt")
    told = subprocess.run([program, "--explain=text"], capture_output=True, text=True, check=True).stdout
    known = open(path, encoding="utf-8").read() if os.path.exists(path) else None
    if told == known:
        return []
    if fix:
        with open(path, "w", encoding="utf-8") as file:
            file.write(told)
        return []
    return ["examples/flights/plan.txt: it is not what flights --explain=text prints. "
            "Run scripts/check-docs.py --fix --flights PROGRAM."]


# --- self-test ---------------------------------------------------------------------------------------------------------
GOOD_FIELDS = "| | |\n| --- | --- |\n" + "".join(f"| {f} | x |\n" for f in FIELDS)
GOOD = {
    "include/millrace/dsl.hpp": "#include <millrace/dsl/map.hpp>\n#include <millrace/dsl/loop.hpp>\n",
    "examples/a.cpp": "int main() {\n    // [one]\n    int x = 1;\n\n    if (x) {\n        // [two]\n        x = 2;\n"
    "        // [two]\n    }\n    // [one]\n}\n",
    "examples/plan.txt": "loop 0\n",
    "README.md": "# A b, `c`!\n[map](docs/reference/map.md#example) [up](#a-b-c) [web](https://example.org)\n",
    "docs/reference/map.md": "# map\n" + GOOD_FIELDS + "\n## Example\n<!-- include: examples/a.cpp#one -->\n"
    "```cpp\nint x = 1;\n\nif (x) {\n    x = 2;\n}\n```\n<!-- include: examples/plan.txt -->\n```text\nloop 0\n```\n",
}
# name: (files that differ, a word of each violation)
BAD = {
    "stale block": ({"examples/a.cpp": GOOD["examples/a.cpp"].replace("= 2", "= 3")}, ["--fix"]),
    "stale whole file": ({"examples/plan.txt": "loop 1\n"}, ["--fix"]),
    "typed C++": ({"README.md": "```cpp\nint x;\n```\n"}, ["not included"]),
    "no language": ({"README.md": "```\nint x;\n```\n"}, ["no language"]),
    "not compiled": (
        {"README.md": "<!-- include: docs/x.cpp#a -->\n```cpp\nx\n```\n", "docs/x.cpp": "// [a]\nx\n// [a]\n"},
        ["not compiled"],
    ),
    "no such file": ({"README.md": "<!-- include: examples/b.cpp#a -->\n```cpp\nx\n```\n"}, ["there is no"]),
    "no such region": ({"README.md": "<!-- include: examples/a.cpp#q -->\n```cpp\nx\n```\n"}, ["not two"]),
    "lonely marker": ({"README.md": "<!-- include: examples/a.cpp#one -->\n\ntext\n"}, ["above no block"]),
    "open block": ({"README.md": "```sh\nls\n"}, ["never closed"]),
    "dead link": ({"README.md": "[x](docs/none.md)\n"}, ["leads nowhere"]),
    "dead anchor": ({"README.md": "[x](docs/reference/map.md#none)\n"}, ["no heading"]),
    "link in code": ({"README.md": "`[x](none)`\n```text\n[x](none)\n```\n"}, []),
    "word without page": ({"include/millrace/dsl.hpp": "#include <millrace/dsl/zip.hpp>\n"}, ["has no page"]),
    "page without fields": ({"docs/reference/map.md": "# map\n\n## Example\n", "README.md": ""}, ["lacks the fields"]),
    "page without example": ({"docs/reference/map.md": "# map\n" + GOOD_FIELDS, "README.md": ""}, ["no example"]),
    "tests": (
        {
            "tests/io/a.cpp": "TEST(a, b) {}\nTEST_P(a,\n       c) {}\nTYPED_TEST(d, e) {}\n",
            TESTS_PAGE: "# x\n`a.b`, `a.c`, `d.e`, `a = b`\n",
        },
        [],
    ),
    "no such test": ({TESTS_PAGE: "# x\n`a.b`\n"}, ["no test a.b"]),
    "other page": ({"docs/reference/time.md": "# time\n"}, []),
}


def self_test():
    failed = 0

    def expect(name, files, words):
        nonlocal failed
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **files}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            found = Docs(root).check()
            right = len(found) == len(words) and all(word in line for word, line in zip(words, found))
            if right and words == ["--fix"]:  # one that --fix mends, and then stays
                Docs(root, fix=True).check()
                right = Docs(root).check() == []
        if not right:
            failed += 1
            print(f"check-docs.py: self-test «{name}»: expected {words}, found {found}")

    expect("good", {}, [])
    for name, (files, words) in BAD.items():
        expect(name, files, words)
    print(f"check-docs.py: self-test: {len(BAD) + 1 - failed} of {len(BAD) + 1} as expected")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description="Checks the documentation.")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--flights", metavar="PROGRAM")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    violations = []
    if arguments.flights:
        violations += check_flights(arguments.root, arguments.flights, arguments.fix)
    violations += Docs(arguments.root, arguments.fix).check()
    for line in violations:
        print(line)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
