// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <millrace/io/socket.hpp>
#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"

namespace {

using namespace millrace;
using namespace millrace::detail;
using tcp_test::failure_of;

TEST(address, resolves_numbers_and_names) {
    auto const four = resolve({"127.0.0.1", 80, ""}, "test");
    ASSERT_EQ(four.size(), 1U);
    EXPECT_EQ(four[0].family(), AF_INET);
    EXPECT_EQ(four[0].port(), 80);
    auto const six = resolve({"::1", 8080, ""}, "test");
    ASSERT_EQ(six.size(), 1U);
    EXPECT_EQ(six[0].family(), AF_INET6);
    EXPECT_EQ(six[0].port(), 8080);
    EXPECT_FALSE(resolve({"localhost", 1, ""}, "test").empty());
}

TEST(address, knows_a_host_whichever_way_it_comes) {
    auto const four = resolve({"127.0.0.1", 1, ""}, "test")[0];
    auto const mapped = resolve({"::ffff:127.0.0.1", 2, ""}, "test")[0];
    auto const other = resolve({"127.0.0.2", 1, ""}, "test")[0];
    EXPECT_EQ(host_key_of(four), host_key_of(mapped));
    EXPECT_NE(host_key_of(four), host_key_of(other));
}

TEST(address, stands_in_messages_as_users_write_it) {
    EXPECT_EQ((endpoint_name{"::1", 9000, ""}.text()), "[::1]:9000");
    EXPECT_EQ((endpoint_name{"host", 9000, ""}.text()), "host:9000");
    EXPECT_EQ((endpoint_name{"", 0, "/run/x"}.text()), "'/run/x'");
}

TEST(address, says_that_a_name_does_not_resolve) {
    auto const why = failure_of([] { resolve({"no.such.host.invalid", 80, ""}, "tcp::connect"); });
    EXPECT_EQ(why.code(), exit_code::configuration);
    EXPECT_THAT(std::string(why.message()),
                testing::HasSubstr("tcp::connect: the host 'no.such.host.invalid' has no address"));
    EXPECT_THAT(std::string(why.message()), testing::HasSubstr("Check its spelling"));
}

TEST(address, says_that_no_host_is_named) {
    auto const why = failure_of([] { resolve({"", 80, ""}, "tcp::connect"); });
    EXPECT_EQ(why.code(), exit_code::configuration);
}

TEST(address, refuses_a_path_that_no_socket_can_have) {
    auto const why = failure_of([] { resolve({"", 0, std::string(200, 'x')}, "tcp::listen"); });
    EXPECT_EQ(why.code(), exit_code::configuration);
    EXPECT_THAT(std::string(why.message()), testing::HasSubstr("at most 107 bytes"));
}

TEST(address, says_that_it_is_in_use) {
    descriptor const first = listen_on({"127.0.0.1", 0, ""}, {}, "tcp::listen");
    std::uint16_t const port = local_address(first.fd()).port();
    auto const why = failure_of([&] { listen_on({"127.0.0.1", port, ""}, {}, "tcp::listen"); });
    EXPECT_EQ(why.code(), exit_code::configuration);
    EXPECT_EQ(std::string(why.message()),
              "millrace: tcp::listen: cannot listen on 127.0.0.1:" + std::to_string(port)
                  + ": the address is in use. Stop what listens there (ss -ltunxp), or take "
                    "another.");
}

TEST(address, shares_a_port_between_partitions) {
    listener_options const shared{.shared = true};
    descriptor const first = listen_on({"127.0.0.1", 0, ""}, shared, "tcp::listen");
    std::uint16_t const port = local_address(first.fd()).port();
    descriptor const second = listen_on({"127.0.0.1", port, ""}, shared, "tcp::listen");
    EXPECT_TRUE(second);
}

TEST(address, says_that_this_machine_does_not_have_it) {
    auto const why = failure_of([] { listen_on({"192.0.2.1", 0, ""}, {}, "tcp::serve"); });
    EXPECT_EQ(why.code(), exit_code::configuration);
    EXPECT_THAT(std::string(why.message()), testing::HasSubstr("no such address"));
}

/// One of several partitions.
struct one_of_two {
    core_engine engine{service_options{}};
    unsigned number = 0;
    template <class>
    core_engine& service() {
        return engine;
    }
    [[nodiscard]] unsigned partition() const { return number; }
    [[nodiscard]] unsigned partitions() const { return 2; }
};

TEST(address, needs_a_port_where_partitions_share_it) {
    one_of_two env;
    auto const why = failure_of([&] { tcp::listen({.host = "127.0.0.1"}).open_source(env); });
    EXPECT_EQ(why.code(), exit_code::configuration);
    EXPECT_THAT(std::string(why.message()), testing::HasSubstr("Name a port"));
}

TEST(address, of_a_unix_socket_is_one_partitions) {
    std::string const path = "/tmp/millrace-" + std::to_string(::getpid()) + ".shared";
    one_of_two first;
    one_of_two second;
    second.number = 1;
    auto a = tcp::listen({.path = path}).open_source(first);
    auto b = tcp::listen({.path = path}).open_source(second);
    tcp_test::client const peer(path);
    tcp_test::driver drive(first.engine, a);
    peer.send("here\n");
    EXPECT_TRUE(drive.until_frames(1));
    b.stop();
    EXPECT_EQ(b.poll(1, [](frame) {}), source_state::ended);
}

TEST(address, refuses_frames_without_bytes) {
    tcp_test::env<> env(io_tier::automatic);
    auto const why = failure_of(
        [&] { tcp::listen({.host = "127.0.0.1"}, fixed_size{.bytes = 0}).open_source(env); });
    EXPECT_EQ(why.code(), exit_code::configuration);
}

}  // namespace
