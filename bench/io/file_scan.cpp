// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
//
// A file that is in the page cache, read to its end with a byte of each line of the processor's
// cache looked at: the file source against a bare ring with eight registered buffers.

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <liburing.h>

#include <millrace/io/file.hpp>

#include "support/pair.hpp"

namespace {

using namespace millrace;

constexpr std::size_t file_bytes = std::size_t{512} << 20;

std::uint64_t touch(std::string_view data) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < data.size(); i += 64) sum += static_cast<unsigned char>(data[i]);
    return sum;
}

void check(bool good, char const* what) {
    if (good) return;
    std::perror(what);
    std::exit(70);
}

/// In the order of the file, as a parser needs it: the oldest read is waited for, others go on.
class bare_ring {
public:
    static constexpr unsigned depth = 8;
    static constexpr std::size_t bytes = std::size_t{128} * 1024;

    bare_ring() {
        check(::io_uring_queue_init(depth * 2, &ring_,
                                    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
                  == 0,
              "io_uring_queue_init");
        std::array<iovec, depth> parts{};
        for (unsigned i = 0; i < depth; ++i) {
            data_[i] = static_cast<char*>(std::aligned_alloc(4096, bytes));
            parts[i] = {data_[i], bytes};
        }
        check(::io_uring_register_buffers(&ring_, parts.data(), depth) == 0, "register_buffers");
    }
    bare_ring(bare_ring const&) = delete;
    bare_ring& operator=(bare_ring const&) = delete;
    ~bare_ring() {
        ::io_uring_queue_exit(&ring_);
        for (char* data : data_) std::free(data);
    }

    std::uint64_t scan(int fd) {
        std::uint64_t sum = 0;
        std::uint64_t asked = 0;
        std::array<int, depth> came{};
        came.fill(-1);
        for (unsigned i = 0; i < depth; ++i, asked += bytes) ask(fd, i, asked);
        for (std::uint64_t at = 0; at < file_bytes; at += bytes) {
            auto const slot = static_cast<unsigned>(at / bytes % depth);
            while (came[slot] < 0) {
                io_uring_cqe* cqe = nullptr;
                ::io_uring_submit_and_wait(&ring_, 1);
                while (::io_uring_peek_cqe(&ring_, &cqe) == 0) {
                    came[::io_uring_cqe_get_data64(cqe)] = cqe->res;
                    ::io_uring_cqe_seen(&ring_, cqe);
                }
            }
            check(came[slot] == static_cast<int>(bytes), "read");
            sum += touch({data_[slot], bytes});
            came[slot] = -1;
            if (asked < file_bytes) ask(fd, slot, asked);
            asked += bytes;
        }
        return sum;
    }

private:
    void ask(int fd, unsigned slot, std::uint64_t offset) {
        io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_read_fixed(sqe, fd, data_[slot], bytes, offset, static_cast<int>(slot));
        ::io_uring_sqe_set_data64(sqe, slot);
    }

    io_uring ring_{};
    std::array<char*, depth> data_{};
};

struct environment {};

/// As in a run: the reads go through the engine of a core.
struct core_of_its_own {
    core_engine engine{service_options{}};
    template <class Service>
    core_engine& service() {
        return engine;
    }
};
std::uint64_t scan_on_core(std::string const& name, file_options const& options) {
    core_of_its_own env;
    auto source = file(name, options).open_source(env);
    std::uint64_t sum = 0;
    for (chunk part; source.next(part);) sum += touch(part.data);
    return sum;
}

std::uint64_t scan_ours(std::string const& name, file_options const& options) {
    environment env;
    auto source = file(name, options).open_source(env);
    std::uint64_t sum = 0;
    for (chunk part; source.next(part);) sum += touch(part.data);
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    char const* const folder = std::getenv("TMPDIR");
    std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/millrace-scan-XXXXXX";
    int const made = ::mkstemp(name.data());
    check(made >= 0, "mkstemp");
    std::vector<char> part(std::size_t{1} << 20);
    std::uint32_t state = 1;
    for (char& c : part) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    for (std::size_t at = 0; at < file_bytes; at += part.size())
        check(::write(made, part.data(), part.size()) == static_cast<ssize_t>(part.size()),
              "write");
    ::fsync(made);

    bench::pair pairs(argc, argv);
    bare_ring reference;
    bench::goal const cached{0.85, 0.95, true, "GB/s"};
    auto const by_hand = [&] { return reference.scan(made); };
    pairs.run("file_scan", cached, file_bytes, by_hand, [&] { return scan_ours(name, {}); });
    pairs.run("file_scan_128k_8", cached, file_bytes, by_hand, [&] {
        return scan_ours(name, {.buffer_bytes = bare_ring::bytes, .read_ahead = bare_ring::depth});
    });
    pairs.run("file_scan_try_next", cached, file_bytes, by_hand, [&] {
        environment env;
        auto source = file(name).open_source(env);
        std::uint64_t sum = 0;
        for (chunk next;;) {
            auto const told = source.try_next(next);
            if (told == source_state::ended) return sum;
            if (told == source_state::more) sum += touch(next.data);
        }
    });
    pairs.run("file_scan_core", cached, file_bytes, by_hand,
              [&] { return scan_on_core(name, {}); });
    pairs.run("file_scan_core_direct", {0.0, 0.0, true, "GB/s"}, file_bytes, by_hand,
              [&] { return scan_on_core(name, {.direct = true}); });
    ::close(made);
    ::unlink(name.c_str());
    return 0;
}
