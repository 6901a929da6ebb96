# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# A room is a header-only target with one root and one header file set. An optional part (`millrace::json`) owns those
# headers of the other roots that include its third-party library, and the umbrella that includes them.

include_guard(GLOBAL)
include(GNUInstallDirs)

set(MILLRACE_ROOT "${CMAKE_CURRENT_LIST_DIR}/..")
cmake_path(NORMAL_PATH MILLRACE_ROOT)
set(MILLRACE_TARGETS "")
set(MILLRACE_OPTIONAL_PARTS "json")
set(MILLRACE_OPTIONAL_USES "simdjson")  # what marks a header as one of an optional part

# Splits `headers` in two: those that include one of the optional third-party headers, and the rest.
function(millrace_split_headers headers rest_out optional_out)
    set(rest "")
    set(optional "")
    foreach(header IN LISTS headers)
        file(STRINGS "${header}" hits REGEX "^#include [<\"](${MILLRACE_OPTIONAL_USES})")
        cmake_path(GET header STEM stem)
        cmake_path(GET header PARENT_PATH folder)
        if(hits OR (folder MATCHES "/include/millrace$" AND stem IN_LIST MILLRACE_OPTIONAL_PARTS))
            list(APPEND optional "${header}")
        else()
            list(APPEND rest "${header}")
        endif()
    endforeach()
    set(${rest_out} "${rest}" PARENT_SCOPE)
    set(${optional_out} "${optional}" PARENT_SCOPE)
endfunction()

# millrace_target(<name> <link>…): the interface target `millrace::<name>`, without headers yet.
function(millrace_target name)
    set(target "millrace_${name}")
    add_library(${target} INTERFACE)
    add_library(millrace::${name} ALIAS ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_link_libraries(${target} INTERFACE ${ARGN})
    list(APPEND MILLRACE_TARGETS ${target})
    set(MILLRACE_TARGETS "${MILLRACE_TARGETS}" PARENT_SCOPE)
endfunction()

macro(millrace_room name)
    cmake_parse_arguments(room "" "ROOT" "FOLDERS;LINK" ${ARGN})
    set(room_base "${MILLRACE_ROOT}${room_ROOT}")
    list(TRANSFORM room_FOLDERS PREPEND "${room_base}/millrace/" OUTPUT_VARIABLE room_globs)
    list(TRANSFORM room_globs APPEND "/*.hpp")
    file(GLOB_RECURSE room_headers CONFIGURE_DEPENDS ${room_globs})
    millrace_split_headers("${room_headers}" room_headers room_optional)
    millrace_target(${name} ${room_LINK})
    target_sources(millrace_${name} INTERFACE
        FILE_SET HEADERS BASE_DIRS "${room_base}" FILES ${room_headers})
endmacro()

# millrace::millrace links every room and owns the umbrellas, a second set in the root of `model`.
macro(millrace_umbrellas)
    cmake_parse_arguments(room "" "" "LINK" ${ARGN})
    file(GLOB room_headers CONFIGURE_DEPENDS "${MILLRACE_ROOT}include/millrace/*.hpp")
    millrace_split_headers("${room_headers}" room_headers room_optional)
    millrace_target(millrace ${room_LINK})
    target_sources(millrace_millrace INTERFACE
        FILE_SET umbrellas TYPE HEADERS BASE_DIRS "${MILLRACE_ROOT}include" FILES ${room_headers})
endmacro()

# millrace_optional_room(<name> USES <third-party header> LINK <library>…)
macro(millrace_optional_room name)
    cmake_parse_arguments(room "" "USES" "LINK" ${ARGN})
    file(GLOB_RECURSE room_all CONFIGURE_DEPENDS "${MILLRACE_ROOT}io/millrace/*.hpp")
    file(GLOB room_umbrellas CONFIGURE_DEPENDS "${MILLRACE_ROOT}include/millrace/*.hpp")
    millrace_split_headers("${room_all}" room_rest room_headers)
    millrace_split_headers("${room_umbrellas}" room_rest room_umbrellas)
    list(FILTER room_umbrellas INCLUDE REGEX "/${name}[.]hpp$")
    millrace_target(${name} ${room_LINK})
    target_sources(millrace_${name} INTERFACE
        FILE_SET HEADERS BASE_DIRS "${MILLRACE_ROOT}io" FILES ${room_headers}
        FILE_SET umbrellas TYPE HEADERS BASE_DIRS "${MILLRACE_ROOT}include" FILES ${room_umbrellas})
endmacro()

# millrace_program_can_build(<out> <source>…): false if a source needs an optional part that is not there.
function(millrace_program_can_build out)
    set(${out} TRUE PARENT_SCOPE)
    foreach(source IN LISTS ARGN)
        foreach(part IN LISTS MILLRACE_OPTIONAL_PARTS)
            file(STRINGS "${source}" hits REGEX "^#include <(millrace/${part}[.]hpp|${MILLRACE_OPTIONAL_USES})")
            if(hits AND NOT TARGET millrace::${part})
                message(STATUS "millrace: ${source} is skipped: millrace::${part} is not available")
                set(${out} FALSE PARENT_SCOPE)
            endif()
        endforeach()
    endforeach()
endfunction()

# Everything a program of this repository may use.
function(millrace_link_all target)
    target_link_libraries(${target} PRIVATE millrace::millrace)
    foreach(part IN LISTS MILLRACE_OPTIONAL_PARTS)
        if(TARGET millrace::${part})
            target_link_libraries(${target} PRIVATE millrace::${part})
        endif()
    endforeach()
endfunction()
