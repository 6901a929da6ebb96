// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `connection_table`: the connections of an endpoint by slot and generation, and how many each host
// has.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include <millrace/io/tcp_connection.hpp>

namespace millrace::detail {

/// Slots are used again, their connections' memory kept; a generation tells an old token from a new
/// one.
class connection_table {
public:
    tcp_connection& take(host_key const& host) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(all_.size()));
            all_.push_back(std::make_unique<tcp_connection>());
            all_.back()->slot = free_.back();
        }
        tcp_connection& one = *all_[free_.back()];
        free_.pop_back();
        one.host = host;
        ++of_host_[host];
        ++size_;
        return one;
    }
    /// It counts no more for its host.
    void leave(tcp_connection const& one) {
        auto const found = of_host_.find(one.host);
        if (--found->second == 0) of_host_.erase(found);
    }
    void give_back(tcp_connection& one) {
        one.forget();
        free_.push_back(one.slot);
        --size_;
    }
    /// Null if it is gone.
    [[nodiscard]] tcp_connection* find(std::uint32_t slot, std::uint32_t generation) const {
        if (slot >= all_.size()) return nullptr;
        tcp_connection& one = *all_[slot];
        return one.open && one.generation == generation ? &one : nullptr;
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t of_host(host_key const& host) const {
        auto const found = of_host_.find(host);
        return found == of_host_.end() ? 0 : found->second;
    }
    /// Every connection that is open.
    template <class F>
    void each(F&& f) const {
        for (auto const& one : all_)  // it may be closed by `f`
            if (one->open) f(*one);
    }

private:
    struct hash {
        std::size_t operator()(host_key const& key) const {
            std::uint64_t half[2];
            std::memcpy(half, key.data(), sizeof half);
            return (half[0] ^ (half[1] * 0x9e3779b97f4a7c15U)) * 0xff51afd7ed558ccdU >> 7;
        }
    };
    std::vector<std::unique_ptr<tcp_connection>> all_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<host_key, std::size_t, hash> of_host_;
    std::size_t size_ = 0;
};

}  // namespace millrace::detail
