// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `tail(…)`: whole lines of a file that grows, through its rotations, without
// blocking and without polling.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <millrace/io/descriptor.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/tail_buffer.hpp>
#include <millrace/io/tail_options.hpp>
#include <millrace/io/tail_watch.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/live.hpp>

namespace millrace {

/// What happened to a tailed file; reported.
struct tail_counts {
    std::uint64_t rotations = 0;      ///< another file took the name
    std::uint64_t truncations = 0;    ///< the file was cut, or replaced in place
    std::uint64_t bytes_skipped = 0;  ///< of a line that had begun before we did
    std::uint64_t refused_opens = 0;  ///< tried again at the next look
};

/// Reads to the end of the file, then sleeps until it is notified of a change, or the clock says to
/// look. Of a rotated file all is handed out, the last chunk with `last`. One copy of a line that
/// was cut by the end of a read; nothing is allocated per chunk.
template <class Engine>
class basic_tail_source {
public:
    basic_tail_source(service_handle<Engine> engine, std::string name, tail_options const& options)
        : body_(std::make_unique<body>(std::move(engine), std::move(name), options)) {}

    /// Whole lines, valid until the next call.
    [[nodiscard]] source_state next(chunk& out) { return body_->next(out); }
    /// Reads nothing more. What was read and is whole is still handed out.
    void stop() { body_->stopping = true; }
    /// When to be asked again although nothing was notified, in ns of the monotonic clock.
    [[nodiscard]] std::int64_t next_deadline() const {
        return body_->at == step::wait ? body_->deadline : INT64_MAX;
    }

    [[nodiscard]] tail_counts const& counts() const { return body_->counts; }
    /// Bytes of a line that has not ended.
    [[nodiscard]] std::size_t bytes_held() const { return body_->buffer.waiting().size(); }
    template <class F>
    void report(F&& line) const {
        line("rotations", counts().rotations);
        line("truncations", counts().truncations);
        line("bytes skipped", counts().bytes_skipped);
        line("refused opens", counts().refused_opens);
        line("bytes held", std::uint64_t{bytes_held()});
    }

private:
    enum class step : unsigned char {
        look,    ///< something may be new
        read,    ///< a read is at the kernel
        handed,  ///< a chunk is out
        wait,    ///< at the end; notified, or by the clock, to `look`
    };

    /// What operations point at, so it stays where it is.
    struct body {
        struct request : operation {
            bool came = false;
            std::int32_t result = 0;
        };

        service_handle<Engine> engine;
        std::string name;
        tail_options options;
        detail::tail_watch watch;
        detail::tail_buffer buffer;
        detail::descriptor file;
        struct stat identity{};
        request reading;
        request notified;
        tail_counts counts;
        std::int64_t deadline = 0;
        std::int64_t leave_at =
            0;                   ///< when a renamed file is left for its successor; 0: not renamed
        std::size_t handed = 0;  ///< bytes of the chunk that is out
        step at = step::look;
        bool last_handed = false;  ///< the chunk that is out was its file's last
        bool skipping = false;     ///< to the end of the line that we came into
        bool given = false;        ///< something of this file was handed out
        bool stopping = false;

        body(service_handle<Engine> e, std::string n, tail_options const& o)
            : engine(std::move(e)),
              name(std::move(n)),
              options(o),
              watch(name),
              buffer(std::min(o.buffer_bytes, std::size_t{1} << 30)) {
            reading.done = notified.done = [](operation& op, completion const& got) {
                auto& done = static_cast<request&>(op);
                done.came = true;
                done.result = got.result;
            };
            if (!open(options.start == tail_start::end) && !options.wait_for_file)
                detail::fail_reading(name, errno);
        }
        ~body() {
            detail::settle(*engine, reading);
            detail::settle(*engine, notified);
        }

        source_state next(chunk& out) {
            if (engine.owned()) engine->turn();
            if (at == step::handed) release();
            for (;;) {
                if (at == step::wait && !stopping && !is_due()) return source_state::idle;
                if (at != step::read) {
                    if (stopping) return source_state::ended;
                    begin();
                    if (at == step::wait) continue;
                }
                if (!reading.came) {
                    if (engine.owned()) engine->turn();
                    if (!reading.came) return source_state::idle;
                }
                reading.came = false;
                at = step::look;
                if (take(out)) return source_state::more;
            }
        }

        bool is_due() {
            if (notified.came) {
                notified.came = false;
                at = step::look;
                // What was notified before the read is seen by the read.
                if (watch.drain()) return true;
                listen();
                at = step::wait;
            }
            if (!detail::is_past(deadline)) return false;
            at = step::look;
            watch.drain();
            return true;
        }

        /// Asks for what is new; without a file looks whether it is there, and else waits.
        void begin() {
            if (!file && !open(false)) return rest();
            auto const where = buffer.next_read();
            reading.fd = file.fd();
            reading.verb = op_verb::read;
            reading.data = where.data;
            reading.bytes = where.bytes;
            reading.offset = where.offset;
            engine->submit(reading);
            at = step::read;
        }

        /// What a read brought: true if that is a chunk to hand out.
        bool take(chunk& out) {
            if (reading.result < 0) {
                if (reading.result == -EINTR || reading.result == -EAGAIN
                    || reading.result == -ECANCELED)
                    return false;
                detail::fail_reading(name, -reading.result);
            }
            if (!buffer.take(static_cast<std::size_t>(reading.result))) return leave_cut(out);
            bool const grew = buffer.fresh() != 0;
            if (skipping) skip();
            std::string_view const lines = buffer.lines();
            if (!lines.empty()) return hand(out, lines, false);
            if (grew) return false;
            // Nothing new is the end, a file that was cut, or only a short read: its size tells.
            struct stat now{};
            if (::fstat(file.fd(), &now) != 0) detail::fail_reading(name, errno);
            auto const size = static_cast<std::uint64_t>(now.st_size);
            if (size < buffer.position()) return leave_cut(out);
            if (size > buffer.position()) return false;
            switch (look_for_successor()) {
                case successor::there:
                    ++counts.rotations;
                    return leave(out);
                case successor::again:
                    return false;
                case successor::none:
                    break;
            }
            rest();
            return false;
        }

        void skip() {
            std::string_view const all = buffer.waiting();
            std::size_t const end = all.find('\n');
            skipping = end == std::string_view::npos;
            std::size_t const gone = skipping ? all.size() : end + 1;
            counts.bytes_skipped += gone;
            buffer.drop(gone);
        }

        bool hand(chunk& out, std::string_view data, bool last) {
            out = {data, name, last};
            handed = data.size();
            last_handed = last;
            given = true;
            at = step::handed;
            return true;
        }
        void release() {
            buffer.drop(handed);
            handed = 0;
            at = step::look;
            if (last_handed) close();
        }

        /// This file is done: its last line, whole or not, ends it for the parser.
        bool leave(chunk& out) {
            if (!given && buffer.waiting().empty()) {
                close();
                return false;
            }
            return hand(out, buffer.waiting(), true);
        }
        bool leave_cut(chunk& out) {
            ++counts.truncations;
            return leave(out);
        }
        void close() {
            last_handed = given = skipping = false;
            leave_at = 0;
            watch.forget_file();
            file.reset();
            buffer.restart(0);
            at = step::look;
        }

        enum class successor : unsigned char { none, again, there };
        /// Is there another file by our name, and has its writer had time to leave this one? The
        /// answer `there` needs a read that found the end after the successor was first seen.
        successor look_for_successor() {
            struct stat now{};
            if (::stat(name.c_str(), &now) != 0 || is_ours(now)) {
                leave_at = 0;
                return successor::none;
            }
            std::int64_t const clock = detail::monotonic_ns();
            if (leave_at != 0) return clock < leave_at ? successor::none : successor::there;
            leave_at = clock + std::max<std::int64_t>(options.rotation_grace.ns, 0);
            return leave_at == clock ? successor::again : successor::none;
        }
        [[nodiscard]] bool is_ours(struct stat const& now) const {
            return now.st_ino == identity.st_ino && now.st_dev == identity.st_dev;
        }

        bool open(bool at_end) {
            file = detail::descriptor::own(
                ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
            if (!file) {
                if (errno != ENOENT) ++counts.refused_opens;
                return false;
            }
            if (::fstat(file.fd(), &identity) != 0) detail::fail_reading(name, errno);
            if (!S_ISREG(identity.st_mode))
                throw failure(exit_code::no_input,
                              "millrace: tail: " + detail::shown(name)
                                  + " is no regular file. Use file(…) for pipes and devices.");
            watch.watch_file(file.fd());
            if (at_end) go_to_end();
            return true;
        }
        void go_to_end() {
            auto const size = static_cast<std::uint64_t>(identity.st_size);
            std::uint64_t const back = std::min<std::uint64_t>(size, detail::tail_buffer::overlap);
            buffer.restart(size - back);
            auto const where = buffer.next_read();
            ssize_t const got =
                ::pread(file.fd(), where.data, back, static_cast<off_t>(where.offset));
            if (got < 0) detail::fail_reading(name, errno);
            buffer.take(static_cast<std::size_t>(got));
            std::string_view const before = buffer.waiting();
            skipping = !before.empty() && before.back() != '\n';
            buffer.drop(before.size());
        }

        void listen() {
            if (watch.fd() < 0 || notified.pending) return;
            notified.fd = watch.fd();
            notified.verb = op_verb::poll;
            notified.flags = POLLIN;
            engine->submit(notified);
        }
        void rest() {
            listen();
            at = step::wait;
            std::int64_t const now = detail::monotonic_ns();
            deadline = now + std::max<std::int64_t>(options.check_every.ns, 1'000'000);
            if (leave_at != 0) deadline = std::min(deadline, std::max(leave_at, now));
        }
    };

    std::unique_ptr<body> body_;
};

using tail_source = basic_tail_source<core_engine>;

}  // namespace millrace
