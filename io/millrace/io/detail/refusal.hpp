// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Why the kernel gives a core no ring, and the command that cures it.

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <millrace/model/failure.hpp>

namespace millrace::detail {

/// A cause, and what to do, each without its full stop.
struct refusal {
    int error = 0;
    std::string cause;
    std::string cure;
};

/// Linux 6.6 has a switch: 1 for processes without CAP_SYS_ADMIN, 2 for all.
inline bool uring_is_switched_off() {
    int const fd = ::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char value = '0';
    bool const read = ::read(fd, &value, 1) == 1;
    ::close(fd);
    return read && value != '0';
}

/// What an errno of io_uring_setup, epoll_create or eventfd means.
inline refusal refusal_of(int error) {
    std::string const said = std::string(" (") + std::strerror(error) + ")";
    switch (error) {
        case EPERM:
        case EACCES:
            if (uring_is_switched_off())
                return {error, "the sysctl kernel.io_uring_disabled forbids it" + said,
                        "Say `sysctl -w kernel.io_uring_disabled=0`"};
            return {error, "a seccomp profile forbids it, as those of containers do" + said,
                    "Start the container with a profile that allows io_uring (docker run "
                    "--security-opt seccomp=<profile>)"};
        case ENOSYS:
            return {error, "the kernel has none, or a seccomp profile hides it" + said,
                    "Run Linux 6.1 or newer, and in a container with a profile that allows it "
                    "(docker run --security-opt seccomp=<profile>)"};
        case EINVAL:
            return {error, "the kernel is too old for it" + said, "Run Linux 6.1 or newer"};
        case ENOMEM:
            return {error, "too little memory may be locked" + said,
                    "Raise the limit: `ulimit -l 8192`, or LimitMEMLOCK=8M in a systemd unit"};
        case EMFILE:
            return {error, "too few descriptors are allowed" + said,
                    "Raise the limit: `ulimit -n 4096`, or LimitNOFILE=4096 in a systemd unit"};
        case ENFILE:
            return {error, "the machine is out of descriptors" + said,
                    "Raise its limit: `sysctl -w fs.file-max=<more>`"};
        default:
            return {error, std::strerror(error), "See the kernel's log: `dmesg`"};
    }
}

/// Ends the run for want of `what`.
[[noreturn]] inline void refuse(std::string const& what, refusal const& why) {
    throw failure(exit_code::configuration,
                  "millrace: io: " + what + " is refused: " + why.cause + ". " + why.cure + ".");
}

}  // namespace millrace::detail
