// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace rookery::cli {
namespace {

struct Spelling {
  std::string_view qemu;
  std::string_view ours;
};
constexpr std::array kSpellings = {
    Spelling{"-kernel", "--kernel"}, Spelling{"-initrd", "--initrd"},
    Spelling{"-append", "--append"}, Spelling{"-bios", "--bios"},
    Spelling{"-dtb", "--dtb"},       Spelling{"-m", "--memory"},
};

// A non-negative decimal number at the start of `text`, and what follows it.
std::optional<std::pair<double, std::string_view>> parse_number(std::string_view text) {
  double number = 0;
  const auto [rest, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) return std::nullopt;
  return std::pair{number, text.substr(static_cast<std::size_t>(rest - text.data()))};
}

}  // namespace

std::vector<std::string> with_our_spelling(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string argument = arguments[i];
    for (const Spelling& spelling : kSpellings) {
      if (argument == spelling.qemu) argument = spelling.ours;
    }
    const bool has_value = i + 1 < arguments.size();
    if (argument == "--append" && has_value && arguments[i + 1].starts_with('-')) {
      argument += "=" + arguments[++i];
    }
    out.push_back(std::move(argument));
  }
  return out;
}

Result<u64> parse_count(std::string_view text, std::string_view option) {
  const auto parsed = parse_number(text);
  double unit = 0;
  if (parsed) {
    const std::string_view suffix = parsed->second;
    if (suffix.empty()) unit = 1;
    if (suffix == "k" || suffix == "K") unit = 1e3;
    if (suffix == "M") unit = 1e6;
    if (suffix == "G") unit = 1e9;
  }
  constexpr double kMax = 9e15;  // exact in a double, and years of work
  if (unit == 0 || parsed->first * unit < 1 || parsed->first * unit > kMax) {
    return fail(ErrorKind::usage,
                "{} \"{}\" is not a count from 1 to 9e15: write 1000, 30M or 2.5G.", option, text);
  }
  return static_cast<u64>(parsed->first * unit);
}

Result<u64> parse_seconds(std::string_view text, std::string_view option) {
  const auto parsed = parse_number(text);
  constexpr double kMaxSeconds = 1e9;
  if (!parsed || !(parsed->second.empty() || parsed->second == "s") || parsed->first <= 0 ||
      parsed->first > kMaxSeconds) {
    return fail(ErrorKind::usage, "{} \"{}\" is not a number of seconds above 0: write 90 or 0.5.",
                option, text);
  }
  return static_cast<u64>(parsed->first * 1e6) + 1;
}

}  // namespace rookery::cli
