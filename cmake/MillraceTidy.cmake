# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# The target `tidy`: clang-tidy over one translation unit per umbrella, and over the examples, which instantiate them.

find_program(MILLRACE_CLANG_TIDY NAMES clang-tidy-19 REQUIRED)

set(millrace_flags -std=c++20)
foreach(root IN ITEMS include dsl io scheduler)
    list(APPEND millrace_flags "-I${PROJECT_SOURCE_DIR}/${root}")
endforeach()

file(GLOB umbrellas CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/millrace/*.hpp")
file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp")
foreach(header IN LISTS umbrellas)
    cmake_path(GET header STEM stem)
    file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/tidy/${stem}.cpp" CONTENT "#include <millrace/${stem}.hpp>\n")
    list(APPEND sources "${CMAKE_CURRENT_BINARY_DIR}/tidy/${stem}.cpp")
endforeach()

add_custom_target(tidy)
foreach(source IN LISTS sources)
    string(MAKE_C_IDENTIFIER "tidy${source}" name)
    add_custom_target(${name}
        COMMAND "${MILLRACE_CLANG_TIDY}" --quiet "--config-file=${PROJECT_SOURCE_DIR}/.clang-tidy"
                "${source}" -- ${millrace_flags}
        COMMENT "clang-tidy ${source}" VERBATIM)
    add_dependencies(tidy ${name})
endforeach()
