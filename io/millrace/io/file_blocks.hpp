// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Files as a row of numbered blocks, which partitions claim one by one to read and parse them side
// by side.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include <millrace/io/input_file.hpp>

namespace millrace::detail {

/// One that is being read. Closed with its last block.
struct block_file {
    input_file input;
    std::string name;
    std::string beginning;  ///< see `beginning_of`
};

/// Where a block lies.
struct block_place {
    std::shared_ptr<block_file> file;
    std::uint64_t number = 0;  ///< over all files
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
    bool last = false;  ///< of its file
};

/// Shared by all partitions. A claim takes a lock, and opens a file where one begins; once a block.
class file_blocks {
public:
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};

    file_blocks(std::vector<std::string> names, std::size_t block_bytes, bool direct)
        : names_(std::move(names)), block_bytes_(block_bytes), direct_(direct) {}

    [[nodiscard]] std::size_t block_bytes() const { return block_bytes_; }

    /// The next block. False behind the last one of the last file.
    [[nodiscard]] bool claim(block_place& out) {
        std::lock_guard const lock(mutex_);
        if (!file_ && !open_next()) {
            total_.store(number_, std::memory_order_release);
            return false;
        }
        if (size_ - offset_ <= block_bytes_) grow();
        out.file = file_;
        out.number = number_++;
        out.offset = offset_;
        out.bytes =
            static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes_, size_ - offset_));
        offset_ += out.bytes;
        out.last = offset_ == size_;
        if (out.last) file_.reset();
        return true;
    }
    /// How many blocks there are in all, once that is known.
    [[nodiscard]] std::uint64_t total() const { return total_.load(std::memory_order_acquire); }

private:
    bool open_next() {
        if (next_ == names_.size()) return false;
        auto file = std::make_shared<block_file>();
        file->name = names_[next_++];
        file->input = open_input(file->name, direct_);
        file->beginning = beginning_of(open_input(file->name), file->name);
        size_ = file->input.size;
        offset_ = 0;
        file_ = std::move(file);
        return true;
    }
    /// What was appended meanwhile is read, too.
    void grow() {
        struct stat now{};
        if (::fstat(file_->input.fd.fd(), &now) == 0)
            size_ = std::max(size_, static_cast<std::uint64_t>(now.st_size));
    }

    std::vector<std::string> names_;
    std::size_t block_bytes_;
    bool direct_;
    std::mutex mutex_;
    std::size_t next_ = 0;
    std::shared_ptr<block_file> file_;
    std::uint64_t size_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t number_ = 0;
    std::atomic<std::uint64_t> total_{unknown};
};

}  // namespace millrace::detail
