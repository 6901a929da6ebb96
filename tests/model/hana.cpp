// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <string>
#include <vector>

#include <boost/hana/adapt_struct.hpp>
#include <boost/hana/define_struct.hpp>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/model/hana.hpp>
#include <millrace/test.hpp>

namespace shop {
struct order {
    BOOST_HANA_DEFINE_STRUCT(order, (int, id), (std::string, customer), (double, amount));
};
struct item {
    int id;
    int count;
};
}  // namespace shop
BOOST_HANA_ADAPT_STRUCT(shop::item, id, count);

namespace {

using namespace millrace;

static_assert(described<shop::order> && described<shop::item>);
static_assert(field_count<shop::order> == 3 && field_index<shop::order>("customer") == 1);
static_assert(owning<shop::order>);

TEST(hana, a_struct_that_hana_defines_is_read_by_its_names) {
    shop::order const o{1, "ada", 2.5};
    EXPECT_EQ(field<"customer">(o), "ada");
    EXPECT_EQ((field_at<shop::order, 2>::get(o)), 2.5);
}

TEST(hana, an_adapted_struct_keys_and_aggregates_by_its_names) {
    driver d{from(std::vector<shop::item>{}) | key_by(field<"id">)
             | aggregate(sum<"all">(field<"count">)) | to([](auto const&) {})};
    d.in().push({7, 2});
    d.in().push({7, 3});
    ASSERT_EQ(d.out().size(), 2U);
    EXPECT_EQ(get<"all">(d.out()[1]), 5);
    EXPECT_EQ(get<"id">(d.out()[1]), 7);
}

TEST(hana, a_hana_struct_is_read_from_csv) {
    driver d{file("unused") | csv<shop::order>() | to([](shop::order const&) {})};
    d.bytes_in().push("amount,id,customer\n1.5,3,eve\n");
    ASSERT_EQ(d.out().size(), 1U);
    EXPECT_EQ(d.out()[0].customer, "eve");
    EXPECT_EQ(d.out()[0].id, 3);
}

}  // namespace
