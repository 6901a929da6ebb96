// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// In what the updates of a window wait for their memory, where they may.

#include <millrace/state/partitioned_updates.hpp>
#include <millrace/state/pending_updates.hpp>

namespace millrace::detail {

template <bool Defers, class Store, class Input>
struct waiting_updates {
    struct nothing {};
    using few = nothing;
    using many = nothing;
    static constexpr bool logs = false;
};
template <class Store, class Input>
struct waiting_updates<true, Store, Input> {
    using few = pending_updates<Store, Input>;
    using many = partitioned_updates<Store, Input>;
    static constexpr bool logs = many::usable;
};

}  // namespace millrace::detail
