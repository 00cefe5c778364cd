// SPDX-License-Identifier: Apache-2.0
#include "sweep/quantity.h"

#include <charconv>
#include <limits>
#include <span>

namespace rookery::sweep {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// All of `text`, without a sign: decimal, or hexadecimal after "0x".
std::optional<u64> magnitude_from(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  u64 value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || rest != text.data() + text.size())
    return std::nullopt;
  return value;
}

struct Unit {
  std::string_view suffix;
  u64 factor;
};

// Decimal digits, perhaps with a fraction, and one of `units`; or "0x" and hexadecimal digits.
std::optional<u64> quantity_from(std::string_view text, std::span<const Unit> units, u64 max) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    const auto value = magnitude_from(text);
    return value && *value <= max ? value : std::nullopt;
  }
  unsigned __int128 digits = 0;
  u64 denominator = 1;
  std::size_t at = 0;
  bool has_digits = false;
  bool in_fraction = false;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !in_fraction)); ++at) {
    if (text[at] == '.') {
      in_fraction = true;
      has_digits = false;  // some have to follow
      if (at == 0) return std::nullopt;
      continue;
    }
    constexpr u64 kMaxDigits = 1'000'000'000'000'000'000;
    if (digits >= kMaxDigits || denominator >= kMaxDigits) return std::nullopt;
    digits = digits * 10 + static_cast<u32>(text[at] - '0');
    if (in_fraction) denominator *= 10;
    has_digits = true;
  }
  if (!has_digits) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(at) != unit.suffix) continue;
    const unsigned __int128 scaled = digits * unit.factor;
    if (scaled % denominator != 0 || scaled / denominator > max) return std::nullopt;
    return static_cast<u64>(scaled / denominator);
  }
  return std::nullopt;
}

}  // namespace

std::optional<i64> integer_from(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const auto magnitude = magnitude_from(text.substr(is_negative ? 1 : 0));
  const u64 max = static_cast<u64>(std::numeric_limits<i64>::max()) + (is_negative ? 1 : 0);
  if (!magnitude || *magnitude > max) return std::nullopt;
  return static_cast<i64>(is_negative ? 0 - *magnitude : *magnitude);
}

std::optional<u64> word_from(std::string_view text) {
  if (!text.starts_with('-')) return magnitude_from(text);
  const auto value = integer_from(text);
  return value ? std::optional(static_cast<u64>(*value)) : std::nullopt;
}

std::optional<u64> count_from(std::string_view text) {
  constexpr Unit kUnits[] = {
      {"", 1}, {"k", 1'000}, {"K", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}};
  return quantity_from(text, kUnits, kMaxCount);
}

std::optional<u64> bytes_from(std::string_view text) {
  constexpr Unit kUnits[] = {
      {"", 1}, {"K", u64{1} << 10}, {"M", u64{1} << 20}, {"G", u64{1} << 30}};
  return quantity_from(text, kUnits, u64{1} << 62);
}

std::optional<u64> time_us_from(std::string_view text) {
  constexpr Unit kUnits[] = {{"us", 1}, {"ms", 1'000}, {"s", 1'000'000}};
  return quantity_from(text, kUnits, kMaxCount);
}

}  // namespace rookery::sweep
