// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The vectors come from an independent program. They never change: state on disk is cut by them.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/model/route.hpp>
#include <millrace/model/row.hpp>

namespace airport {
enum class side : std::int8_t { left = -1, right = 1 };
struct visit {
    millrace::text<3> at;
    std::int32_t gate = 0;
};
MILLRACE_RECORD(visit, at, gate);
}  // namespace airport

namespace {
using namespace millrace;

TEST(route, of_integers_never_changes) {
    EXPECT_EQ(route_version, 1U);
    EXPECT_EQ(route_hash(0), 0x3B831E2F35C20288U);
    EXPECT_EQ(route_hash(1), 0x863D01DD3BC73372U);
    EXPECT_EQ(route_hash(-1), 0x4C67359FAE49B768U);
    EXPECT_EQ(route_hash(42), 0xFDFA5B525B827B9FU);
    EXPECT_EQ(route_hash(std::uint64_t{1} << 63), 0x0DCAFB7540918A5FU);
    EXPECT_EQ(route_hash(std::int64_t{1234567890123}), 0x6F5E12C36BD1561BU);
    EXPECT_EQ(route_hash(0.0), 0x3B831E2F35C20288U);
    EXPECT_EQ(route_hash(1.5), 0xA3791B9AC50AAB37U);
    EXPECT_EQ(route_hash(-2.25), 0xA8B2B5A2D3E5FFA0U);
}

TEST(route, of_text_never_changes) {
    using namespace std::literals;
    EXPECT_EQ(route_hash(""sv), 0xDCDF51646A096882U);
    EXPECT_EQ(route_hash("a"sv), 0xC4A13048BEDF3660U);
    EXPECT_EQ(route_hash("ab"sv), 0x6DD867DBFC83382CU);
    EXPECT_EQ(route_hash("JFK"sv), 0x12106ABD2D707E36U);
    EXPECT_EQ(route_hash("EGLL"sv), 0xB82D80104A3CC19CU);
    EXPECT_EQ(route_hash("flights"sv), 0xC8A30E7280E03A60U);
    EXPECT_EQ(route_hash("12345678"sv), 0xF2DA6794400904F7U);
    EXPECT_EQ(route_hash("sixteen letters!"sv), 0x967EA2FD312B6666U);
    EXPECT_EQ(route_hash("seventeen letters"sv), 0x408ACF02CF74BBBEU);
    EXPECT_EQ(route_hash("a text of more than thirty-two letters"sv), 0xF665EABBE88DAB84U);
}

TEST(route, of_rows_and_the_rest_never_changes) {
    row<column<"origin", text<3>>, column<"carrier", text<2>>> const flight{{"JFK"}, {"AA"}};
    EXPECT_EQ(route_hash(flight), 0x063491F98F75C3B0U);
    EXPECT_EQ(route_hash(airport::visit{"JFK", 7}), 0x2A7B17936DD0CBC2U);
    EXPECT_EQ(route_hash(std::pair<std::string, int>{"JFK", 7}), 0x2A7B17936DD0CBC2U);
    EXPECT_EQ(route_hash(std::optional<int>{}), 0xB624CE076EE0F950U);
    EXPECT_EQ(route_hash(std::optional<int>{42}), 0x071C6D14970AF288U);
    EXPECT_EQ(route_hash(std::vector<int>{1, 2, 3}), 0x42EAB3930CB00210U);
}

TEST(route, does_not_depend_on_the_width_of_a_column) {
    EXPECT_EQ(route_hash(std::int8_t{-1}), route_hash(std::int64_t{-1}));
    EXPECT_EQ(route_hash(airport::side::left), route_hash(-1));
    EXPECT_EQ(route_hash(std::uint16_t{7}), route_hash(std::uint64_t{7}));
    EXPECT_EQ(route_hash(1.5F), route_hash(1.5));
    EXPECT_EQ(route_hash(-0.0), route_hash(0.0));
    EXPECT_EQ(route_hash(text<3>{"JFK"}), route_hash(std::string{"JFK"}));
    EXPECT_EQ(route_hash(text<40>{"JFK"}), route_hash(text<3>{"JFK"}));
    EXPECT_EQ(route_hash(time_point{42}), route_hash(42));
    EXPECT_EQ(route_hash(row<column<"only", int>>{{42}}), route_hash(42));
    EXPECT_EQ(route_hash('\xFF'), route_hash(255)) << "whether char is signed or not";
}

TEST(route, gives_groups_and_partitions) {
    EXPECT_EQ(group_of(0), 29U);
    EXPECT_EQ(group_of(42), 126U);
    EXPECT_EQ(group_of(42, 1000), 992U);
    EXPECT_EQ(group_of(text<3>{"JFK"}), 9U);
    EXPECT_EQ(group_of(42, 1), 0U);
    EXPECT_EQ(partition_of(0, 128, 3), 0U);
    EXPECT_EQ(partition_of(42, 128, 3), 0U);
    EXPECT_EQ(partition_of(43, 128, 3), 1U);
    EXPECT_EQ(partition_of(127, 128, 3), 2U);
    EXPECT_EQ(partition_of(32767, 32768, 32768), 32767U) << "no overflow";
}

TEST(route, gives_each_partition_its_share_of_groups) {
    for (unsigned partitions = 1; partitions <= 128; ++partitions) {
        std::vector<unsigned> share(partitions);
        for (unsigned g = 0; g < 128; ++g) {
            unsigned const p = partition_of(g, 128, partitions);
            ASSERT_LT(p, partitions);
            ASSERT_GE(p, g == 0 ? 0 : partition_of(g - 1, 128, partitions));
            ++share[p];
        }
        auto const [least, most] = std::minmax_element(share.begin(), share.end());
        ASSERT_LE(*most - *least, 1U) << partitions;
    }
}

TEST(route, refuses_groups_that_can_not_serve) {
    EXPECT_NO_THROW(check_key_groups(128, 128));
    EXPECT_THROW(check_key_groups(0, 1), failure);
    EXPECT_THROW(check_key_groups(32769, 1), failure);
    EXPECT_THROW(check_key_groups(4, 5), failure);
    EXPECT_THROW(check_key_groups(4, 0), failure);
}

/// Pearson's statistic over equal shares; its mean is the number of classes less one.
double chi_square(std::vector<unsigned> const& counts) {
    double sum = 0, statistic = 0;
    for (unsigned const c : counts) sum += c;
    double const expected = sum / static_cast<double>(counts.size());
    for (unsigned const c : counts) {
        double const off = c - expected;
        statistic += off * off / expected;
    }
    return statistic;
}
/// Below it lie all but one in 10 million of truly random draws into 128 classes (127 degrees).
constexpr double chi_square_limit = 225;

std::vector<std::string> names(std::size_t count) {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back("user-" + std::to_string(i));
    return result;
}

TEST(route, spreads_arithmetic_progressions_and_names) {
    constexpr std::uint64_t keys = 128 * 256;
    for (std::uint64_t const stride :
         {1ULL, 2ULL, 3ULL, 10ULL, 64ULL, 151ULL, 1000ULL, 4096ULL, 65537ULL, 1000000ULL,
          1000000007ULL, 1ULL << 32, 1ULL << 40, 60'000'000'000ULL, 0x9E37'79B9'7F4A'7C15ULL}) {
        std::vector<unsigned> groups(key_groups);
        for (std::uint64_t i = 0; i < keys; ++i) ++groups[group_of(i * stride)];
        EXPECT_LT(chi_square(groups), chi_square_limit) << "stride " << stride;
    }
    std::vector<unsigned> groups(key_groups);
    for (auto const& name : names(keys)) ++groups[group_of(name)];
    EXPECT_LT(chi_square(groups), chi_square_limit);
    std::fill(groups.begin(), groups.end(), 0U);
    for (int a = 0; a < 181; ++a)
        for (int b = 0; b < 181; ++b) ++groups[group_of(std::pair{a, b})];
    EXPECT_LT(chi_square(groups), chi_square_limit);
}

/// The keys of one partition, in the 128 ranges of high bits that a table spreads them over.
template <class Keys>
void leaves_tables_even(Keys const& keys, char const* what) {
    for (unsigned const partitions : {2U, 4U, 32U, 128U}) {
        for (unsigned const partition : {0U, partitions / 2, partitions - 1}) {
            std::vector<unsigned> ranges(128);
            for (auto const& key : keys) {
                if (partition_of(group_of(key), key_groups, partitions) == partition)
                    ++ranges[hash_of(key) >> 57];
            }
            EXPECT_LT(chi_square(ranges), chi_square_limit)
                << what << ", " << partition << " of " << partitions;
        }
    }
}
TEST(route, is_independent_of_the_hash_of_tables) {
    std::vector<std::uint64_t> dense(200'000), sparse(200'000);
    for (std::size_t i = 0; i < dense.size(); ++i) {
        dense[i] = i;
        sparse[i] = i * 1'000'003;
    }
    leaves_tables_even(dense, "dense");
    leaves_tables_even(sparse, "sparse");
    leaves_tables_even(names(200'000), "names");
}
}  // namespace
