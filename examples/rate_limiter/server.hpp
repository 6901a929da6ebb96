// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The Asio program that the pipeline lives in: a line is a key, its answer `allow`, `deny`, or
// `busy` where the questions that wait are as many as may.

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "limits.hpp"

namespace rate_limiter {

namespace asio = boost::asio;
using asio::ip::tcp;

class connection;
using connection_table = std::unordered_map<std::uint32_t, std::shared_ptr<connection>>;

/// One connection: its answers go out in the order of its lines, in whatever order they come.
class connection : public std::enable_shared_from_this<connection> {
public:
    static constexpr std::size_t input_bytes_max = std::size_t{16} * 1024;  // and of a line
    static constexpr std::size_t open_max =
        1024;  // questions without an answer; then it reads no on

    connection(tcp::socket socket, std::uint32_t id, connection_table& table,
               inject<question> questions)
        : socket_(std::move(socket)), id_(id), table_(table), questions_(std::move(questions)) {}

    void begin() {
        boost::system::error_code e;
        broken_ = socket_.set_option(tcp::no_delay(true), e).failed();  // the peer is gone
        broken_ ? end_if_done() : read();
    }
    void answer(std::uint64_t number, char const* text) {
        open_[number - first_] = text;
        for (; !open_.empty() && open_.front() != nullptr; open_.pop_front(), ++first_)
            waiting_ += open_.front();
        write();
        if (paused_ && open_.size() <= open_max / 2) {
            paused_ = false;
            take_lines();
        }
    }

private:
    void read() {
        asio::async_read_until(
            socket_, asio::dynamic_buffer(input_, input_bytes_max), '\n',
            [self = shared_from_this()](boost::system::error_code e, std::size_t) {
                self->read_ended_ = static_cast<bool>(e);
                self->take_lines();
            });
    }
    void take_lines() {
        std::size_t at = 0;
        for (std::size_t end = 0; (end = input_.find('\n', at)) != std::string::npos;) {
            paused_ = open_.size() >= open_max;
            if (paused_) break;
            std::string const line = input_.substr(at, end - at);
            at = end + 1;
            ask(line);
        }
        input_.erase(0, at);
        if (!paused_ && !read_ended_) read();
        end_if_done();
    }
    // [ask]
    void ask(std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        question q{{}, id_, first_ + open_.size(), now_ns()};
        open_.push_back(nullptr);
        if (line.empty() || !q.key.assign(line))
            answer(q.number, "bad\n");
        else if (!questions_.try_push(q))  // a handler never waits
            answer(q.number, "busy\n");
    }
    // [ask]
    void write() {
        if (writing_ || waiting_.empty()) return;
        writing_ = true;
        going_.swap(waiting_);
        asio::async_write(socket_, asio::buffer(going_),
                          [self = shared_from_this()](boost::system::error_code e, std::size_t) {
                              self->writing_ = false;
                              self->going_.clear();
                              self->broken_ = static_cast<bool>(e);
                              if (!e) self->write();
                              self->end_if_done();
                          });
    }
    /// A peer that has sent all it wanted still gets its answers.
    void end_if_done() {
        bool const owes = paused_ || !open_.empty() || !waiting_.empty() || writing_;
        if (!broken_ && (!read_ended_ || owes)) return;
        boost::system::error_code e;
        std::ignore = socket_.close(e);  // closed in any case
        table_.erase(id_);
    }
    static std::int64_t now_ns() {
        timespec t{};
        ::clock_gettime(CLOCK_MONOTONIC, &t);
        return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
    }

    tcp::socket socket_;
    std::uint32_t id_;
    connection_table& table_;
    inject<question> questions_;
    std::string input_;
    std::deque<char const*> open_;  // an answer each, null until it is there
    std::uint64_t first_ = 0;       // the number of the first of them
    std::string waiting_;
    std::string going_;
    bool writing_ = false;
    bool paused_ = false;
    bool read_ended_ = false;
    bool broken_ = false;
};

class server {
public:
    server(asio::io_context& context, tcp::endpoint const& at, inject<question> questions)
        : acceptor_(context, at), questions_(std::move(questions)) {
        accept();
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    /// On the thread of the context.
    void deliver(verdict const& v) {
        auto const found = connections_.find(v.connection);
        if (found == connections_.end()) return;  // it has gone meanwhile
        auto const kept = found->second;
        kept->answer(v.number, v.allowed ? "allow\n" : "deny\n");
    }
    /// No new connections; those that are there get what they asked for.
    void stop() { acceptor_.close(); }

private:
    void accept() {
        acceptor_.async_accept([this](boost::system::error_code e, tcp::socket socket) {
            if (e == asio::error::operation_aborted || !acceptor_.is_open()) return;
            if (!e) {
                std::uint32_t const id = next_id_++;
                auto const made =
                    std::make_shared<connection>(std::move(socket), id, connections_, questions_);
                connections_.emplace(id, made);
                made->begin();
            }
            accept();
        });
    }

    tcp::acceptor acceptor_;
    inject<question> questions_;
    connection_table connections_;
    std::uint32_t next_id_ = 0;
};

}  // namespace rate_limiter
