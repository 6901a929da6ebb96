// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The network and files that grow: TCP, UDP, requests and replies, tail, append.

#include <millrace/io/append.hpp>
#include <millrace/io/decode.hpp>
#include <millrace/io/decode_format.hpp>
#include <millrace/io/reply.hpp>
#include <millrace/io/tail.hpp>
#include <millrace/io/tcp.hpp>
#include <millrace/io/udp.hpp>
