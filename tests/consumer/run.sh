#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Builds the consumer one of five ways and runs it: run.sh WAY COMPILER WORK [PREFIX]
#   flags         -I alone                     package     find_package from PREFIX
#   subdirectory  add_subdirectory             pkgconfig   pkg-config from PREFIX
#   amalgamated   one generated header of the core language, and nothing else of ours
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
way=$1 compiler=$2 work=$3/$1 prefix=${4:-}

rm -rf "$work"
mkdir -p "$work"
strict=(-Wall -Wextra -Werror)

with_cmake() {
    cmake -S "$here" -B "$work" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" "$@"
    cmake --build "$work"
}

case $way in
flags)
    "$compiler" -std=c++20 "${strict[@]}" -I"$top/include" -I"$top/dsl" -I"$top/io" -I"$top/scheduler" \
        "$here/main.cpp" -luring -o "$work/consumer"
    ;;
subdirectory) with_cmake -DMILLRACE_SOURCE="$top" ;;
package) with_cmake -DCMAKE_PREFIX_PATH="$prefix" ;;
pkgconfig)
    pc=$(dirname "$(find "$prefix" -name millrace.pc)")
    read -ra flags <<<"$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs millrace)"
    "$compiler" "${strict[@]}" "$here/main.cpp" "${flags[@]}" -o "$work/consumer"
    ;;
amalgamated)
    "$top/scripts/amalgamate.py" >"$work/millrace-core.hpp"
    "$compiler" -std=c++20 "${strict[@]}" -DMILLRACE_CONSUMER_CORE -I"$work" "$here/main.cpp" -o "$work/consumer"
    ;;
*)
    echo "run.sh: no way is called $way" >&2
    exit 64
    ;;
esac
"$work/consumer"
