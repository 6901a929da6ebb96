# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# The headers of all roots land in one include folder; find_package(millrace) and pkg-config find them there.

include(CMakePackageConfigHelpers)

set(millrace_cmake_dir "${CMAKE_INSTALL_DATADIR}/cmake/millrace")
set(millrace_core ${MILLRACE_TARGETS})
list(REMOVE_ITEM millrace_core "millrace_json")

foreach(target IN LISTS MILLRACE_TARGETS)
    set(export millraceTargets)
    if(NOT target IN_LIST millrace_core)
        set(export ${target}Targets)  # an optional part: loaded if its library is there
    endif()
    get_target_property(sets ${target} INTERFACE_HEADER_SETS)
    set(file_sets "")
    foreach(set IN LISTS sets)
        list(APPEND file_sets FILE_SET ${set})
    endforeach()
    install(TARGETS ${target} EXPORT ${export} ${file_sets})
endforeach()

install(EXPORT millraceTargets NAMESPACE millrace:: DESTINATION "${millrace_cmake_dir}")
if(TARGET millrace_json)
    install(EXPORT millrace_jsonTargets NAMESPACE millrace:: DESTINATION "${millrace_cmake_dir}")
endif()
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/millraceConfig.cmake.in" "${CMAKE_CURRENT_BINARY_DIR}/millraceConfig.cmake"
    INSTALL_DESTINATION "${millrace_cmake_dir}")
write_basic_package_version_file(
    "${CMAKE_CURRENT_BINARY_DIR}/millraceConfigVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/millraceConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/millraceConfigVersion.cmake"
        DESTINATION "${millrace_cmake_dir}")

# The .pc file finds its prefix from where it lies, so an installed tree can be moved.
file(RELATIVE_PATH millrace_prefix "/${CMAKE_INSTALL_DATADIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" millrace_prefix "${millrace_prefix}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/millrace.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/millrace.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/millrace.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
