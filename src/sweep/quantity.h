// SPDX-License-Identifier: Apache-2.0
// Numbers as people write them in a sweep's description. Exact: no number goes through a double.
// Empty where the text is not such a number or does not fit.
#pragma once

#include <optional>
#include <string_view>

#include "base/types.h"

namespace rookery::sweep {

// Counts of instructions: more is years of work.
inline constexpr u64 kMaxCount = 9'000'000'000'000'000;

// "17", "-17", "0x11": from -2^63 to 2^63 - 1.
std::optional<i64> integer_from(std::string_view text);

// The same from -2^63 to 2^64 - 1, as 64 bits in two's complement.
std::optional<u64> word_from(std::string_view text);

// "1000", "0x3e8", "1k", "30M", "2.5G": decimal units, a whole number up to kMaxCount.
std::optional<u64> count_from(std::string_view text);

// "4096", "0x1000", "64K", "1.5M", "2G": binary units, a whole number of bytes.
std::optional<u64> bytes_from(std::string_view text);

// "10s", "100ms", "250us": a whole number of microseconds.
std::optional<u64> time_us_from(std::string_view text);

}  // namespace rookery::sweep
