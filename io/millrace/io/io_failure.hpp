// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the kernel's refusals mean to a user: each errno as a cause, a cure and an exit code.

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <millrace/model/failure.hpp>

namespace millrace::detail {

/// A cause and its cure, to stand behind «cannot read "x":».
struct io_cause {
    exit_code code;
    std::string_view text;
};

inline io_cause cause_of_reading(int error) {
    switch (error) {
        case ENOENT:
            return {exit_code::no_input, "no such file. Check the path."};
        case ENOTDIR:
            return {exit_code::no_input, "a part of the path is not a directory. Check the path."};
        case EISDIR:
            return {exit_code::no_input, "it is a directory. Name the files in it."};
        case ELOOP:
            return {exit_code::no_input, "its links go in a circle. Mend the links."};
        case ENAMETOOLONG:
            return {exit_code::no_input, "the path is too long. Shorten it."};
        case ENXIO:
        case ENODEV:
            return {exit_code::no_input, "there is nothing behind it. Check the path."};
        case EACCES:
        case EPERM:
            return {exit_code::no_permission,
                    "no permission. Change its mode, or run as its owner."};
        case EBADF:
            return {exit_code::no_input, "it is not open for reading. Check how you redirect."};
        case EIO:
            return {exit_code::io,
                    "the device reports an error. Check the disk and the kernel's log."};
        case EMFILE:
        case ENFILE:
            return {exit_code::io, "too many files are open. Raise the limit (ulimit -n)."};
        default:
            return {exit_code::io, {}};
    }
}

inline io_cause cause_of_writing(int error) {
    switch (error) {
        case ENOENT:
            return {exit_code::cannot_create, "its directory does not exist. Create it."};
        case ENOTDIR:
            return {exit_code::cannot_create,
                    "a part of the path is not a directory. Check the path."};
        case EISDIR:
            return {exit_code::cannot_create, "it is a directory. Name a file."};
        case ELOOP:
            return {exit_code::cannot_create, "its links go in a circle. Mend the links."};
        case ENAMETOOLONG:
            return {exit_code::cannot_create, "the path is too long. Shorten it."};
        case ENXIO:
        case ENODEV:
            return {exit_code::cannot_create, "there is nothing behind it. Check the path."};
        case EROFS:
            return {exit_code::cannot_create, "the file system is read-only. Write elsewhere."};
        case EACCES:
        case EPERM:
            return {exit_code::no_permission,
                    "no permission. Change the mode of the file or its directory."};
        case EBADF:
            return {exit_code::io, "it is not open for writing. Check how you redirect."};
        case ENOSPC:
            return {exit_code::io, "the disk is full. Free some room, or write elsewhere."};
        case EDQUOT:
            return {exit_code::io, "your quota is used up. Free some room, or write elsewhere."};
        case EFBIG:
            return {exit_code::io, "the file gets too large. Raise the limit (ulimit -f)."};
        case EPIPE:
            return {exit_code::io, "its reader has gone away. Keep the reader alive."};
        case EIO:
            return {exit_code::io,
                    "the device reports an error. Check the disk and the kernel's log."};
        case EMFILE:
        case ENFILE:
            return {exit_code::io, "too many files are open. Raise the limit (ulimit -n)."};
        default:
            return {exit_code::io, {}};
    }
}

/// The name as messages show it: quoted, without control characters, and of a long one the end.
inline std::string shown(std::string_view name) {
    if (name == "/dev/stdin") return "standard input";
    if (name == "/dev/stdout") return "standard output";
    if (name == "/dev/stderr") return "standard error";
    constexpr std::size_t most = 400;
    bool const cut = name.size() > most;
    std::string out = cut ? "\"..." : "\"";
    for (char const c : cut ? name.substr(name.size() - most) : name)
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out += '"';
}

[[noreturn]] inline void fail(std::string_view what, std::string_view name, io_cause cause,
                              int error) {
    std::string text = "millrace: file: cannot ";
    text.append(what).append(" ").append(shown(name)).append(": ");
    if (cause.text.empty())
        text.append(std::strerror(error)).append(". Check the file and its device.");
    else
        text.append(cause.text);
    throw failure(cause.code, text);
}
[[noreturn]] inline void fail_reading(std::string_view name, int error) {
    fail("read", name, cause_of_reading(error), error);
}
[[noreturn]] inline void fail_writing(std::string_view name, int error) {
    fail("write", name, cause_of_writing(error), error);
}

}  // namespace millrace::detail
