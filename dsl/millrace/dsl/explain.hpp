// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `explain(pipeline)`: its plan as text for people, as DOT or Mermaid for a drawing, as JSON for
// programs. A header of its own: it includes <string>, which the language does without.

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/dsl/complete.hpp>
#include <millrace/dsl/explain_graph.hpp>
#include <millrace/dsl/explain_json.hpp>
#include <millrace/dsl/explain_out.hpp>
#include <millrace/dsl/explain_text.hpp>
#include <millrace/dsl/plan.hpp>
#include <millrace/dsl/plan_types.hpp>

namespace millrace {

enum class explain_format : std::uint8_t { text, dot, mermaid, json };

/// The text of a plan: `explain(plan_of<P>.view())`. Compiled once, whatever the pipelines.
[[nodiscard]] inline std::string explain(plan_view const& p,
                                         explain_format format = explain_format::text) {
    std::string text;
    detail::plan_out out(&text, [](void* to, std::string_view piece) {
        static_cast<std::string*>(to)->append(piece);
    });
    switch (format) {
        case explain_format::text:
            detail::explain_text(out, p);
            break;
        case explain_format::dot:
            detail::explain_dot(out, p);
            break;
        case explain_format::mermaid:
            detail::explain_mermaid(out, p);
            break;
        case explain_format::json:
            detail::explain_json(out, p);
            break;
    }
    return text;
}

/// The plan of a pipeline, with its values, as text. Every form ends with a line end. The pipeline
/// is only read.
template <stage P>
[[nodiscard]] std::string explain(P const& pipeline, explain_format format = explain_format::text,
                                  plan_settings const& settings = {}) {
    (void)detail::fault_of<P>::template accept<P, true>();
    if constexpr (is_complete<P>)
        return explain(detail::filled_plan(pipeline, settings).view(), format);
    else
        return {};
}

}  // namespace millrace
