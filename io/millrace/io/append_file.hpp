// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A log as a file: where its content ends, how the room behind that is marked, and how it is opened
// and closed.
//
// The padding rule. While a log is open, its file is a whole number of blocks of 4096 bytes: the
// content, one byte 0x80, zeros. Where the content fills its last block there is no 0x80, unless
// that block ends in zeros or in a byte 0x80 before them; then the next block begins with it. So
// the end is found from behind: the last byte that is not zero is either 0x80, and the content ends
// before it, or any other, and the content ends with its block. Closed in good order, the file is
// the content alone, except for such a block behind content that needs it. A file whose size is no
// whole number of blocks has no padding. (The mark and zeros are those of ISO/IEC 7816-4.)

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <millrace/io/append_options.hpp>
#include <millrace/io/descriptor.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/page_buffer.hpp>
#include <millrace/io/path.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

inline constexpr std::size_t append_block = 4096;
inline constexpr char append_mark = static_cast<char>(0x80);

constexpr std::uint64_t block_floor(std::uint64_t at) { return at / append_block * append_block; }
constexpr std::uint64_t block_ceiling(std::uint64_t at) {
    return block_floor(at + append_block - 1);
}

/// Where the last byte that is not zero stands, plus one; 0 if there is none.
inline std::size_t end_of_data(char const* data, std::size_t bytes) {
    while (bytes >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data + bytes - 8, 8);
        if (word != 0) break;
        bytes -= 8;
    }
    while (bytes != 0 && data[bytes - 1] == 0) --bytes;
    return bytes;
}

/// Must a block with the mark stand behind content that fills this, its last block?
inline bool needs_mark_behind(char const* block) {
    std::size_t const end = end_of_data(block, append_block);
    return end == 0 || block[end - 1] == append_mark;
}

/// Pads what is written from a block's beginning: the buffer has two blocks of room behind
/// `filled`. Gives the bytes to write, whole blocks.
inline std::size_t pad(char* data, std::size_t filled) {
    std::size_t const whole = static_cast<std::size_t>(block_ceiling(filled));
    std::memset(data + filled, 0, whole - filled);
    if (whole != filled) {
        data[filled] = append_mark;
        return whole;
    }
    if (filled != 0 && !needs_mark_behind(data + filled - append_block)) return filled;
    std::memset(data + filled, 0, append_block);
    data[filled] = append_mark;
    return filled + append_block;
}

/// A log that is open, and locked against a second writer (flock).
class append_file {
public:
    append_file(std::string const& name, append_options const& options) : name_(name) {
        fd_ = descriptor::own(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666));
        struct stat info{};
        if (!fd_ || ::fstat(fd_.fd(), &info) != 0) fail_writing(name, errno);
        if (!S_ISREG(info.st_mode))
            throw failure(exit_code::cannot_create,
                          "millrace: append: " + shown(name)
                              + " is no regular file. Use file(…) for pipes and devices.");
        if (!lock())
            throw failure(exit_code::cannot_create,
                          "millrace: append: " + shown(name)
                              + " is written by another sink or process. Give each its own log.");
        rlimit limit{};
        if (::getrlimit(RLIMIT_FSIZE, &limit) == 0) limit_ = limit.rlim_cur;
        find_end(static_cast<std::uint64_t>(info.st_size), options.cut_torn_line);
        prepare(static_cast<std::uint64_t>(info.st_size), options.preallocate);
        if (options.sync == append_sync::every_group) go_direct();
    }

    [[nodiscard]] int fd() const { return fd_.fd(); }
    [[nodiscard]] std::string const& name() const { return name_; }
    /// Of the content, when it was opened.
    [[nodiscard]] std::uint64_t end() const { return end_; }
    /// Up to here the file has blocks of its own: a write there changes no other of its facts.
    [[nodiscard]] std::uint64_t prepared() const { return prepared_; }
    /// The content of its last block, if that is not full: `end() % 4096` bytes.
    [[nodiscard]] char const* last_block() const { return block_.data.get(); }
    /// Beyond this many bytes the process may not write (`ulimit -f`); asking would raise SIGXFSZ.
    [[nodiscard]] std::uint64_t limit() const { return limit_; }
    /// Writes go past the page cache.
    [[nodiscard]] bool direct() const { return direct_; }
    void use_page_cache() {
        direct_ = false;
        int const flags = ::fcntl(fd_.fd(), F_GETFL);
        ::fcntl(fd_.fd(), F_SETFL, flags & ~O_DIRECT);
    }

    /// The content alone remains, safe on the disk. `needs_mark`: its last block is full and ends
    /// so that the block with the mark has to stay.
    void finish(std::uint64_t end, bool needs_mark) {
        std::uint64_t const size = needs_mark ? end + append_block : end;
        if (::ftruncate(fd_.fd(), static_cast<off_t>(size)) != 0 || ::fdatasync(fd_.fd()) != 0)
            fail_writing(name_, errno);
        if (int const error = fd_.close(); error != 0) fail_writing(name_, error);
    }

private:
    /// A process that was killed keeps its lock until the kernel has ended its last write, which
    /// may still change the file: so that is waited for, but not longer than two seconds.
    bool lock() {
        for (int attempt = 0; attempt < 2000; ++attempt) {
            if (::flock(fd_.fd(), LOCK_EX | LOCK_NB) == 0) return true;
            timespec const millisecond{0, 1'000'000};
            ::nanosleep(&millisecond, nullptr);
        }
        return false;
    }
    void find_end(std::uint64_t size, bool cut_torn_line) {
        end_ = size;
        std::uint64_t cleared = 0;
        if (size != 0 && size % append_block == 0) {
            cleared = search(
                size, [](char const* data, std::size_t bytes) { return end_of_data(data, bytes); });
            end_ = cleared == 0                          ? 0
                   : byte_at(cleared - 1) == append_mark ? cleared - 1
                                                         : block_ceiling(cleared);
        }
        if (cut_torn_line && end_ != size) {
            std::uint64_t const line = search(end_, [](char const* data, std::size_t bytes) {
                void const* const found = ::memrchr(data, '\n', bytes);
                return found == nullptr
                           ? std::size_t{0}
                           : static_cast<std::size_t>(static_cast<char const*>(found) - data) + 1;
            });
            end_ = line;
        }
        read_at(block_.data.get(), append_block, block_floor(end_));
    }
    /// From behind, in pieces: `find` gives the end of what it looks for in a piece, or 0.
    template <class Find>
    std::uint64_t search(std::uint64_t end, Find find) {
        page_buffer piece(std::size_t{64} * 1024);
        while (end != 0) {
            std::uint64_t const begin = (end - 1) / piece.capacity * piece.capacity;
            auto const bytes = static_cast<std::size_t>(end - begin);
            read_at(piece.data.get(), bytes, begin);
            if (std::size_t const found = find(piece.data.get(), bytes); found != 0)
                return begin + found;
            end = begin;
        }
        return 0;
    }
    char byte_at(std::uint64_t at) {
        char out = 0;
        read_at(&out, 1, at);
        return out;
    }
    void read_at(char* data, std::size_t bytes, std::uint64_t at) {
        while (bytes != 0) {
            ssize_t const got = ::pread(fd_.fd(), data, bytes, static_cast<off_t>(at));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) fail_reading(name_, errno);
            if (got == 0) return;
            data += got;
            bytes -= static_cast<std::size_t>(got);
            at += static_cast<std::uint64_t>(got);
        }
    }

    /// Marks the end and writes zeros behind it, over whatever a torn group has left there. Where
    /// the disk is full there is just less room made.
    void prepare(std::uint64_t size, std::size_t ahead) {
        page_buffer zeros(std::size_t{1} << 20);
        auto const filled = static_cast<std::size_t>(end_ % append_block);
        std::memcpy(zeros.data.get(), block_.data.get(), append_block);
        std::size_t marked = append_block;
        if (filled != 0 || end_ == 0)
            marked = pad(zeros.data.get(), filled);
        else
            pad_behind_full_block(zeros.data.get());
        std::uint64_t const begin = block_floor(end_);
        write_at(zeros.data.get(), marked, begin);
        std::memset(zeros.data.get(), 0, zeros.capacity);
        prepared_ = begin + marked;
        std::uint64_t const old = block_ceiling(size);
        while (prepared_ < std::max(old, begin + ahead)) {
            std::size_t const left =
                static_cast<std::size_t>(block_ceiling(std::max(old, begin + ahead)) - prepared_);
            std::size_t const part = std::min(left, zeros.capacity);
            if (prepared_ >= old && !may_write(zeros.data.get(), part)) break;
            if (prepared_ < old) write_at(zeros.data.get(), part, prepared_);
            prepared_ += part;
        }
        if (::fdatasync(fd_.fd()) != 0) fail_writing(name_, errno);
        sync_directory();
    }
    /// The block behind the end, which lies between two: with a mark if the one before needs it.
    void pad_behind_full_block(char* block) {
        page_buffer before(append_block);
        read_at(before.data.get(), append_block, end_ - append_block);
        std::memset(block, 0, append_block);
        if (needs_mark_behind(before.data.get())) block[0] = append_mark;
    }
    void write_at(char const* data, std::size_t bytes, std::uint64_t at) {
        if (at + bytes > limit_) fail_writing(name_, EFBIG);
        while (bytes != 0) {
            ssize_t const put = ::pwrite(fd_.fd(), data, bytes, static_cast<off_t>(at));
            if (put < 0 && errno == EINTR) continue;
            if (put <= 0) fail_writing(name_, put == 0 ? EIO : errno);
            data += put;
            bytes -= static_cast<std::size_t>(put);
            at += static_cast<std::uint64_t>(put);
        }
    }
    bool may_write(char const* zeros, std::size_t bytes) {
        if (prepared_ + bytes > limit_) return false;
        ssize_t const put = ::pwrite(fd_.fd(), zeros, bytes, static_cast<off_t>(prepared_));
        if (put == static_cast<ssize_t>(bytes)) return true;
        // No room to make any: the size stays a whole number of blocks.
        if (::ftruncate(fd_.fd(), static_cast<off_t>(prepared_)) != 0) fail_writing(name_, errno);
        return false;
    }

    /// O_DIRECT, if the file system takes it for whole blocks.
    void go_direct() {
        int const flags = ::fcntl(fd_.fd(), F_GETFL);
        if (flags < 0 || ::fcntl(fd_.fd(), F_SETFL, flags | O_DIRECT) != 0) return;
        direct_ = true;
        page_buffer probe(append_block);
        if (::pread(fd_.fd(), probe.data.get(), append_block, 0) < 0) use_page_cache();
    }
    void sync_directory() const {
        std::string const directory = split(name_).directory;
        descriptor const fd = descriptor::own(::open(directory.empty() ? "." : directory.c_str(),
                                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!fd || (::fsync(fd.fd()) != 0 && errno != EINVAL)) fail_writing(name_, errno);
    }

    std::string name_;
    descriptor fd_;
    page_buffer block_{append_block};
    std::uint64_t end_ = 0;
    std::uint64_t prepared_ = 0;
    std::uint64_t limit_ = ~std::uint64_t{0};
    bool direct_ = false;
};

}  // namespace millrace::detail
