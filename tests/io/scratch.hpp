// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of files share: a directory of their own, children, and engines that fail on
// purpose.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/io/blocking_engine.hpp>
#include <millrace/io/file.hpp>
#include <millrace/model/failure.hpp>

namespace millrace_test {

/// A directory that goes with everything in it.
class scratch {
public:
    scratch() {
        char name[] = "/tmp/millrace-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() {
        std::string const command = "rm -rf '" + path_ + "'";
        if (std::system(command.c_str()) != 0) ADD_FAILURE() << "cannot remove " << path_;
    }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
    std::string const& path() const { return path_; }
    std::string put(std::string_view name, std::string_view content) const {
        std::string const to = *this / name;
        std::ofstream(to, std::ios::binary) << content;
        return to;
    }
    /// Names in the directory, sorted, `.` and `..` left out.
    std::vector<std::string> names() const {
        std::vector<std::string> out;
        DIR* const directory = ::opendir(path_.c_str());
        while (dirent const* entry = ::readdir(directory)) {
            std::string name = entry->d_name;
            if (name != "." && name != "..") out.push_back(std::move(name));
        }
        ::closedir(directory);
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    std::string path_;
};

inline std::string content_of(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Bytes that differ everywhere, so that a piece at the wrong place is seen.
inline std::string noise(std::size_t bytes, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string out(bytes, 0);
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

/// Runs `body` in a child; gives its exit code, or minus the signal that ended it.
inline int in_child(std::function<int()> const& body) {
    pid_t const child = ::fork();
    if (child == 0) {
        int code = 120;
        try {
            code = body();
        } catch (millrace::failure const& error) {
            code = static_cast<int>(error.code());
        } catch (...) {
        }
        ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// An environment with one engine for all its operators.
template <class Engine>
struct env_with {
    Engine engine;
    Engine& ring() { return engine; }
};

/// An environment with nothing: operators make engines of their own.
struct bare_env {};

/// Does what it is told instead of what it is asked: before each operation `fault` may give a
/// negative errno (the operation fails and moves nothing), 0 (go on), or a number of bytes to move
/// at most.
struct fault_engine {
    std::function<int(millrace::io_request const&)> fault = [](auto const&) { return 0; };
    unsigned faults = 0;
    unsigned operations = 0;
    millrace::blocking_engine inner;

    void submit(millrace::io_request& request) { request.pending = true; }
    void flush() {}
    void cancel(millrace::io_request& request) { inner.cancel(request); }
    void wait(millrace::io_request& request) {
        if (!request.pending) return;
        ++operations;
        int const told = fault(request);
        std::uint32_t const asked = request.bytes;
        faults += told != 0;
        if (told < 0) {
            request.pending = false;
            request.result = told;
            return;
        }
        if (told > 0 && static_cast<std::uint32_t>(told) < asked)
            request.bytes = static_cast<std::uint32_t>(told);
        inner.submit(request);
        inner.wait(request);
        request.bytes = asked;
    }
};

/// Short pieces, interruptions and refusals «for now», by seed.
inline auto harmless_faults(unsigned seed) {
    return [random = std::mt19937(seed)](millrace::io_request const& request) mutable {
        switch (random() % 4) {
            case 0:
                return -EINTR;
            case 1:
                return -EAGAIN;
            case 2:
                return request.bytes > 1 ? static_cast<int>(1 + random() % request.bytes) : 0;
            default:
                return 0;
        }
    };
}

/// What a sentence says: the failure that `body` throws.
inline millrace::failure failure_of(std::function<void()> const& body) {
    try {
        body();
    } catch (millrace::failure const& error) {
        return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {millrace::exit_code::ok, ""};
}

}  // namespace millrace_test
