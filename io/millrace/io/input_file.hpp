// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// An input as the source of files sees it: opened by name, checked, with its size where it has one.

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <millrace/io/descriptor.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

inline void use_page_cache(int fd) {
    int const flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) ::fcntl(fd, F_SETFL, flags & ~O_DIRECT);
}

/// One opened input. `stream` has no offsets: a pipe, a terminal, a socket.
struct input_file {
    descriptor fd;
    std::uint64_t begin = 0;  ///< where reading starts: not 0 if standard input was read before
    std::uint64_t size = 0;   ///< of a regular file when it was opened
    bool stream = false;
    bool direct = false;  ///< read past the page cache

    /// To what lies in [begin, end).
    void narrow(std::uint64_t from, std::uint64_t to) {
        if (from > begin) begin = from;
        if (to < size) size = to;
    }
    /// From now on reads need not be aligned.
    void use_page_cache() {
        if (!direct) return;
        direct = false;
        detail::use_page_cache(fd.fd());
    }
    [[nodiscard]] bool shrank_below(std::uint64_t end) const {
        struct stat now{};
        // A pseudo file (sysfs) has a size that means nothing; one that shrank says so when asked
        // again.
        return end < size && ::fstat(fd.fd(), &now) == 0
               && static_cast<std::uint64_t>(now.st_size) != size;
    }
};

[[noreturn]] inline void fail_shrunk(std::string_view name, std::uint64_t end, std::uint64_t size) {
    throw failure(exit_code::io, "millrace: file: " + shown(name)
                                     + " shrank while it was read: it ends at "
                                     + std::to_string(end) + " of " + std::to_string(size)
                                     + " bytes. Read a copy that nobody writes.");
}

/// What is to be read of a file.
struct file_stretch {
    std::string name;
    std::uint64_t begin = 0;
    std::uint64_t end = ~std::uint64_t{0};
};
inline std::vector<file_stretch> whole_files(std::vector<std::string> const& names) {
    std::vector<file_stretch> out;
    out.reserve(names.size());
    for (std::string const& name : names) out.push_back({name});
    return out;
}

inline bool is_standard_input(std::string const& name) {
    return name == "-" || name == "/dev/stdin";
}

/// Opens or throws `failure` with the name, the cause and the cure. A fifo waits for its writer.
/// `direct` is dropped where the file system refuses it (EINVAL).
inline input_file open_input(std::string const& name, bool direct = false) {
    input_file out;
    constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
    if (is_standard_input(name)) {
        out.fd = descriptor::borrow(STDIN_FILENO);
    } else {
        if (direct) out.fd = descriptor::own(::open(name.c_str(), flags | O_DIRECT));
        out.direct = static_cast<bool>(out.fd);
        if (!out.fd) out.fd = descriptor::own(::open(name.c_str(), flags));
    }
    struct stat info{};
    if (!out.fd || ::fstat(out.fd.fd(), &info) != 0) fail_reading(name, errno);
    if (S_ISDIR(info.st_mode)) fail_reading(name, EISDIR);
    out.stream = !S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode);
    if (out.stream) out.use_page_cache();
    if (S_ISREG(info.st_mode)) {
        out.size = static_cast<std::uint64_t>(info.st_size);
        off_t const position = out.fd.owned() ? 0 : ::lseek(out.fd.fd(), 0, SEEK_CUR);
        out.begin = position < 0 ? 0 : static_cast<std::uint64_t>(position);
        if (!out.direct) ::posix_fadvise(out.fd.fd(), 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return out;
}

/// Refuses at start what could not be read later, without opening it (a fifo would wait); gives the
/// bytes that a regular file holds, or `unknown`.
inline constexpr std::uint64_t unknown_size = ~std::uint64_t{0};
inline std::uint64_t check_input(std::string const& name) {
    struct stat info{};
    bool const standard = is_standard_input(name);
    int const answer = standard ? ::fstat(STDIN_FILENO, &info) : ::stat(name.c_str(), &info);
    if (answer != 0) fail_reading(name, errno);
    if (S_ISDIR(info.st_mode)) fail_reading(name, EISDIR);
    if (!standard && ::faccessat(AT_FDCWD, name.c_str(), R_OK, AT_EACCESS) != 0)
        fail_reading(name, errno);
    if (!S_ISREG(info.st_mode)) return unknown_size;
    off_t const position = standard ? ::lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    bool const inside = position > 0 && position < info.st_size;
    return static_cast<std::uint64_t>(info.st_size - (inside ? position : 0));
}

/// The first bytes of a file: a format may need its first row.
inline constexpr std::size_t beginning_bytes = std::size_t{64} * 1024;
inline std::string beginning_of(input_file const& file, std::string_view name) {
    std::string out(beginning_bytes, '\0');
    std::size_t have = 0;
    for (ssize_t got = 1; got != 0 && have < out.size();) {
        got = ::pread(file.fd.fd(), out.data() + have, out.size() - have, static_cast<off_t>(have));
        if (got < 0 && errno != EINTR) fail_reading(name, errno);
        have += got > 0 ? static_cast<std::size_t>(got) : 0;
        if (got < 0) got = 1;
    }
    out.resize(have);
    return out;
}

}  // namespace millrace::detail
