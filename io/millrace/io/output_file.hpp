// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// An output as the sink of files sees it: a temporary that becomes the file when all went well, or
// a stream.

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <millrace/io/descriptor.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/path.hpp>

namespace millrace::detail {

/// The files that sinks of this process write now. Two sinks on one file would end with the rows of
/// one of them.
class outputs_in_use {
public:
    static bool take(std::string const& key) {
        outputs_in_use& all = one();
        std::lock_guard const lock(all.mutex_);
        if (std::find(all.keys_.begin(), all.keys_.end(), key) != all.keys_.end()) return false;
        all.keys_.push_back(key);
        return true;
    }
    static void give_back(std::string const& key) noexcept {
        outputs_in_use& all = one();
        std::lock_guard const lock(all.mutex_);
        std::erase(all.keys_, key);
    }

private:
    static outputs_in_use& one() {
        static outputs_in_use all;
        return all;
    }
    std::mutex mutex_;
    std::vector<std::string> keys_;
};

/// Opened by name. A regular or new file is written as `.<name>.<pid>-<n>.part` beside it and
/// renamed by `publish`; anything else (standard output, a pipe, a device) is written as it is.
/// Throws `failure`.
class output_file {
public:
    output_file() = default;
    explicit output_file(std::string const& name) : name_(name == "-" ? "/dev/stdout" : name) {
        struct stat info{};
        if (name_.empty()) fail_writing(name_, ENOENT);
        if (name_ == "/dev/stdin") fail_writing(name_, EBADF);
        if (name_ == "/dev/stdout" || name_ == "/dev/stderr") {
            fd_ = descriptor::borrow(name_ == "/dev/stdout" ? STDOUT_FILENO : STDERR_FILENO);
            classify();
            return;
        }
        bool const exists = ::stat(name_.c_str(), &info) == 0;
        if (exists && S_ISDIR(info.st_mode)) fail_writing(name_, EISDIR);
        if (names_descriptor(name_) || (exists && !S_ISREG(info.st_mode))) {
            fd_ = descriptor::own(::open(name_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
            if (!fd_) fail_writing(name_, errno);
            classify();
            return;
        }
        create_temporary(exists ? &info : nullptr);
    }
    output_file(output_file&& other) noexcept
        : name_(std::move(other.name_)),
          target_(std::move(other.target_)),
          temporary_(std::exchange(other.temporary_, {})),
          key_(std::exchange(other.key_, {})),
          fd_(std::move(other.fd_)),
          stream_(other.stream_),
          watched_(other.watched_) {}
    output_file& operator=(output_file&&) = delete;
    ~output_file() { discard(); }

    [[nodiscard]] std::string const& name() const { return name_; }
    [[nodiscard]] int fd() const { return fd_.fd(); }
    [[nodiscard]] bool stream() const { return stream_; }    ///< written at its own position
    [[nodiscard]] bool watched() const { return watched_; }  ///< somebody waits for each batch

    /// The temporary becomes the file; with `durable` its directory is synced too. Once only.
    void publish(bool durable) {
        if (int const error = fd_.close(); error != 0) fail_writing(name_, error);
        if (temporary_.empty()) return;
        if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_writing(name_, errno);
        temporary_.clear();
        free_key();
        if (durable) sync_directory();
    }

    /// Removes the temporary; what stood at the name before stands there still.
    void discard() noexcept {
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
        temporary_.clear();
        fd_.reset();
        free_key();
    }

private:
    void classify() {
        struct stat info{};
        if (::fstat(fd_.fd(), &info) != 0) fail_writing(name_, errno);
        if (S_ISDIR(info.st_mode)) fail_writing(name_, EISDIR);
        int const mode = ::fcntl(fd_.fd(), F_GETFL);
        if (mode >= 0 && (mode & O_ACCMODE) == O_RDONLY) fail_writing(name_, EBADF);
        stream_ = true;
        watched_ = S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || ::isatty(fd_.fd()) == 1;
    }

    void create_temporary(struct stat const* before) {
        target_ = resolve(name_);
        if (target_.empty()) fail_writing(name_, ELOOP);
        if (before != nullptr && ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0)
            fail_writing(name_, errno);
        split_path const path = split(target_);
        if (path.name.empty()) fail_writing(name_, EISDIR);
        if (path.name.size() > 255) fail_writing(name_, ENAMETOOLONG);
        struct stat place{};
        if (::stat(path.directory.empty() ? "." : path.directory.c_str(), &place) != 0)
            fail_writing(name_, errno);
        std::string key =
            std::to_string(place.st_dev) + ":" + std::to_string(place.st_ino) + "/" + path.name;
        if (!outputs_in_use::take(key))
            throw failure(exit_code::cannot_create, "millrace: file: two sinks write "
                                                        + shown(name_)
                                                        + ". Give each of them a file of its own.");
        key_ = std::move(key);
        try {
            open_temporary(path, before != nullptr ? 0600 : 0666);
            if (before != nullptr) keep_mode(*before);
        } catch (...) {
            discard();
            throw;
        }
    }
    /// Beside a file that exists it is closed to others until it has that file's mode.
    void open_temporary(split_path const& path, mode_t mode) {
        // A run that was killed may have left a temporary of the same process id: take the next
        // number.
        for (unsigned attempt = 0; attempt < 1000; ++attempt) {
            std::string temporary = temporary_name(path, ::getpid(), attempt);
            fd_ = descriptor::own(
                ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
            if (fd_) {
                temporary_ = std::move(temporary);
                return;
            }
            if (errno != EEXIST) fail_writing(name_, errno);
        }
        fail_writing(name_, EEXIST);
    }
    /// The owner first, as that clears mode bits; who may not give files away keeps his own, and
    /// then no set-user bit.
    void keep_mode(struct stat const& before) const {
        bool const owned = ::fchown(fd_.fd(), before.st_uid, before.st_gid) == 0;
        mode_t const mode = before.st_mode & (owned ? 07777 : 0777);
        if (::fchmod(fd_.fd(), mode) != 0) fail_writing(name_, errno);
    }
    void sync_directory() const {
        std::string const directory = split(target_).directory;
        descriptor const fd = descriptor::own(::open(directory.empty() ? "." : directory.c_str(),
                                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!fd || (::fsync(fd.fd()) != 0 && errno != EINVAL)) fail_writing(name_, errno);
    }
    void free_key() noexcept {
        if (!key_.empty()) outputs_in_use::give_back(key_);
        key_.clear();
    }

    std::string name_;
    std::string target_;     ///< where the name leads to
    std::string temporary_;  ///< empty for what is written as it is, and when all is done
    std::string key_;
    descriptor fd_;
    bool stream_ = false;
    bool watched_ = false;
};

}  // namespace millrace::detail
