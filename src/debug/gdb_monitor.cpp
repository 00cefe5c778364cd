// SPDX-License-Identifier: Apache-2.0
#include "debug/gdb_monitor.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "debug/registers.h"
#include "isa/disassemble.h"

namespace rookery::debug {
namespace {

constexpr std::string_view kHelp =
    "status             instructions, speed, engine, memory\n"
    "count              instructions since the start, reboots included: what --gdb-at takes\n"
    "regs               all registers, and the CSRs that say where the hart is\n"
    "xp ADDRESS [COUNT] words of physical memory: RAM, or a device's registers as they stand\n"
    "help               this help\n";

constexpr u64 kWordBytes = 4;
constexpr u64 kMaxWords = 4096;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t\r\n"), line.size());
    if (end != 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// "4096", "0x1000".
std::optional<u64> parse_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  u64 number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<std::string> physical_words(DebugTarget& target, std::span<const std::string_view> words) {
  constexpr u64 kLineWords = 4;
  const std::optional<u64> pa = words.empty() ? std::nullopt : parse_number(words[0]);
  const std::optional<u64> count = words.size() < 2 ? kLineWords : parse_number(words[1]);
  if (!pa || !count || words.size() > 2) {
    return "xp takes a physical address and a number of words: xp 0x80000000 16.\n";
  }
  if (*count == 0 || *count > kMaxWords) {
    return fmt::format("xp shows 1 to {} words, not {}.\n", kMaxWords, *count);
  }
  auto bytes = target.read_physical(*pa, *count * kWordBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::string text;
  for (u64 i = 0; i < bytes->size() / kWordBytes; ++i) {
    u32 word = 0;
    for (u64 byte = 0; byte < kWordBytes; ++byte) {
      word |= u32{(*bytes)[i * kWordBytes + byte]} << (8 * byte);
    }
    if (i % kLineWords == 0) {
      text += fmt::format("{}{:08x}:", i == 0 ? "" : "\n", *pa + i * kWordBytes);
    }
    text += fmt::format(" {:08x}", word);
  }
  if (!text.empty()) text += '\n';
  if (bytes->size() < *count * kWordBytes) {
    text += fmt::format("Nothing answers at {:#x}: it is neither RAM nor a device.\n",
                        *pa + bytes->size());
  }
  return text;
}

Result<std::string> registers(DebugTarget& target) {
  constexpr std::string_view kCsrs[] = {"mstatus", "mtvec", "mepc",    "mcause", "mtval",
                                        "mip",     "mie",   "stvec",   "sepc",   "scause",
                                        "stval",   "satp",  "medeleg", "mideleg"};
  constexpr u32 kColumns = 4;
  const int digits = static_cast<int>(static_cast<u32>(target.xlen()) / 4);
  std::string text;
  u32 shown = 0;
  const auto show = [&](std::string_view name, u32 number) -> Result<void> {
    const auto value = target.read_register(number);
    if (!value) return std::unexpected(value.error());
    text += fmt::format("{:<8}{:0{}x}{}", name, value->value_or(0), digits,
                        ++shown % kColumns == 0 ? "\n" : "  ");
    return {};
  };
  for (u32 number = 0; number < kPcRegister; ++number) {
    if (auto done = show(isa::register_name(number), number); !done)
      return std::unexpected(done.error());
  }
  if (auto done = show("pc", kPcRegister); !done) return std::unexpected(done.error());
  if (auto done = show("priv", kPrivilegeRegister); !done) return std::unexpected(done.error());
  for (const std::string_view name : kCsrs) {
    const auto csr = std::ranges::find(csr_names(target.xlen()), name, &CsrName::name);
    if (auto done = show(name, kFirstCsrRegister + csr->number); !done)
      return std::unexpected(done.error());
  }
  return text;
}

}  // namespace

Result<std::string> run_monitor_command(DebugTarget& target, std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  const std::string_view command = words.empty() ? "help" : words[0];
  if (command == "help") return std::string(kHelp);
  if (command == "xp") return physical_words(target, std::span(words).subspan(1));
  if (command == "regs") return registers(target);
  if (command == "count") return fmt::format("{}\n", target.count());
  if (command == "status") {
    auto status = target.status();
    if (status) *status += '\n';
    return status;
  }
  return fmt::format("There is no monitor command \"{}\"; 'monitor help' lists them.\n", command);
}

}  // namespace rookery::debug
