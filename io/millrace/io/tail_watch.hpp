// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What tells `tail` that its file grew or was replaced: inotify on the file and on its directory.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/inotify.h>
#include <unistd.h>

#include <millrace/io/descriptor.hpp>
#include <millrace/io/path.hpp>

namespace millrace::detail {

/// Refused (EMFILE, ENOSPC: the limits of /proc/sys/fs/inotify), it has no descriptor and notices
/// nothing; then only the clock tells when to look.
class tail_watch {
public:
    explicit tail_watch(std::string const& path)
        : fd_(descriptor::own(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))), place_(split(path)) {
        watch_directory();
    }

    [[nodiscard]] int fd() const { return fd_.fd(); }
    /// Follows the open file, not what its name leads to by now.
    void watch_file(int open_file) {
        forget_file();
        std::string const magic = "/proc/self/fd/" + std::to_string(open_file);
        file_ = ::inotify_add_watch(fd_.fd(), magic.c_str(),
                                    IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
    }
    void forget_file() {
        if (file_ >= 0) ::inotify_rm_watch(fd_.fd(), file_);
        file_ = -1;
    }

    /// Takes what was notified; true if any of it is about the file or its name. One read of the
    /// kernel where nothing was.
    bool drain() {
        if (!fd_) return false;
        if (directory_ < 0) watch_directory();
        bool ours = false;
        alignas(inotify_event) std::array<char, 4096> events{};
        for (;;) {
            ssize_t const length = ::read(fd_.fd(), events.data(), events.size());
            if (length < 0 && errno == EINTR) continue;
            if (length <= 0) return ours;
            for (std::size_t at = 0; at < static_cast<std::size_t>(length);) {
                inotify_event event{};
                std::memcpy(&event, events.data() + at, sizeof event);
                std::string_view const name(events.data() + at + sizeof event);
                ours = ours || event.wd != directory_ || name == place_.name;
                if (event.wd == directory_ && (event.mask & IN_IGNORED) != 0) directory_ = -1;
                at += sizeof event + event.len;
            }
        }
    }

private:
    void watch_directory() {
        char const* const directory = place_.directory.empty() ? "." : place_.directory.c_str();
        directory_ = ::inotify_add_watch(fd_.fd(), directory, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    }

    descriptor fd_;
    split_path place_;
    int directory_ = -1;
    int file_ = -1;
};

}  // namespace millrace::detail
