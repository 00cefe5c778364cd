// SPDX-License-Identifier: Apache-2.0
// A Difference (debug/compare_engines.h) as text.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "debug/address_text.h"
#include "debug/compare_engines.h"
#include "debug/state_text.h"
#include "isa/decode.h"
#include "isa/disassemble.h"

namespace rookery {
namespace {

constexpr u32 kMaxWordsShown = 32;  // of RAM

template <class Function>
auto with(const MachineState& state, Function&& function) {
  return std::visit(std::forward<Function>(function), state);
}

std::string_view privilege_name(const MachineState& state) {
  switch (with(state, [](const auto& s) { return s.hart.privilege; })) {
    case 0:
      return "U-mode";
    case 1:
      return "S-mode";
    default:
      return "M-mode";
  }
}

ReadWord words_of(const Checkpoint& machine, const Checkpoint& loaded) {
  return [&](u32 pa) -> std::optional<u32> {
    const u32 ram_bytes = with(machine.state, [](const auto& s) { return s.machine.ram_bytes; });
    const u32 offset = pa - isa::RAM_BASE;
    if (offset >= ram_bytes) return std::nullopt;
    u32 word;
    std::memcpy(
        &word, page_at(machine, loaded, offset / isa::PAGE_BYTES).data() + offset % isa::PAGE_BYTES,
        sizeof word);
    return word;
  };
}

// What an instruction accesses, if it loads or stores.
struct Accessed {
  AddressUse use;
  u64 va;
};
std::optional<Accessed> accessed_by(const MachineState& state, u32 word) {
  using isa::Kind;
  const isa::Row* const row = isa::find_row(isa::xlen_of(state), word);
  if (row == nullptr) return std::nullopt;
  if (row->kind != Kind::LOAD && row->kind != Kind::STORE && row->kind != Kind::AMO)
    return std::nullopt;
  const bool loads = row->kind == Kind::LOAD || row->name.starts_with("lr_");
  const auto va = with(state, [&](const auto& s) -> u64 {
    using U = std::decay_t<decltype(s.hart.pc)>;
    const auto offset = static_cast<U>(static_cast<i64>(isa::immediate(row->format, word)));
    return static_cast<U>(s.hart.x[(word >> 15) & 31] + offset);
  });
  return Accessed{loads ? AddressUse::load : AddressUse::store, va};
}

// A trap that the step took, as far as xcause and xepc tell.
std::string trap_text(std::string_view name, const MachineState& before,
                      const MachineState& after) {
  return with(before, [&](const auto& b) -> std::string {
    const auto& a = std::get<std::decay_t<decltype(b)>>(after);
    const auto text = [&](char mode, u64 cause, u64 epc, u64 tval) {
      return fmt::format("On {} it traps: {}cause 0x{:x}, {}epc 0x{:x}, {}tval 0x{:x}.\n", name,
                         mode, cause, mode, epc, mode, tval);
    };
    const auto supervisor = [](const auto& s) {
      return std::tuple{s.hart.scause, s.hart.sepc, s.hart.stval};
    };
    const auto machine = [](const auto& s) {
      return std::tuple{s.hart.mcause, s.hart.mepc, s.hart.mtval};
    };
    if (a.hart.sepc == b.hart.pc && supervisor(a) != supervisor(b))
      return text('s', a.hart.scause, a.hart.sepc, a.hart.stval);
    if (a.hart.mepc == b.hart.pc && machine(a) != machine(b))
      return text('m', a.hart.mcause, a.hart.mepc, a.hart.mtval);
    return {};
  });
}

// The words of RAM that differ: only a page that one of the machines has stored to can.
std::string ram_text(const Difference& difference, const Checkpoint& loaded) {
  const Checkpoint& one = difference.expected;
  const Checkpoint& other = difference.actual;
  std::vector<u32> numbers;
  std::set_union(one.numbers.begin(), one.numbers.end(), other.numbers.begin(), other.numbers.end(),
                 std::back_inserter(numbers));
  std::string text;
  u32 words = 0;
  u32 pages = 0;
  for (const u32 number : numbers) {
    const std::span<const u8> before = page_at(difference.before, loaded, number);
    const std::span<const u8> expected = page_at(one, loaded, number);
    const std::span<const u8> actual = page_at(other, loaded, number);
    if (std::memcmp(expected.data(), actual.data(), isa::PAGE_BYTES) == 0) continue;
    ++pages;
    for (u32 at = 0; at < isa::PAGE_BYTES; at += 4) {
      if (std::memcmp(expected.data() + at, actual.data() + at, 4) == 0) continue;
      if (++words > kMaxWordsShown) continue;
      text += fmt::format(
          "  != {:24}", fmt::format("RAM 0x{:08x}", isa::RAM_BASE + number * isa::PAGE_BYTES + at));
      for (const std::span<const u8> page : {before, expected, actual}) {
        u32 word;
        std::memcpy(&word, page.data() + at, sizeof word);
        text += fmt::format("  {:18}", fmt::format("0x{:08x}", word));
      }
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
  }
  if (words > kMaxWordsShown) {
    text += fmt::format("     and {} more words of RAM, in {} pages together\n",
                        words - kMaxWordsShown, pages);
  }
  return text;
}

}  // namespace

std::string address_name(u64 va, const SymbolTable* symbols) {
  const std::string name = symbols == nullptr ? "" : symbols->describe(va);
  return name.empty() ? fmt::format("0x{:x}", va) : fmt::format("0x{:x} <{}>", va, name);
}

std::string difference_text(const Difference& difference, const Checkpoint& loaded,
                            std::string_view expected_name, std::string_view actual_name,
                            const SymbolTable* symbols) {
  const Checkpoint& before = difference.before;
  const u64 pc = pc_of(before.state);
  std::string text;
  if (difference.step != 0) {
    const ReadWord read = words_of(before, loaded);
    const AddressWalk fetch = walk_address(before.state, read, pc, AddressUse::fetch);
    const std::optional<u32> fetched = fetch.pa ? read(*fetch.pa & ~u32{3}) : std::nullopt;
    const u32 word = fetched.value_or(0);  // 0 is no instruction
    const std::string instruction =
        fetched ? fmt::format("0x{:08x}  {}", word,
                              isa::disassemble(isa::xlen_of(before.state), pc, word))
                : "(nothing to fetch)";
    text += fmt::format(
        "The first difference is made by step {}, in {}, the instruction at pc {}: {}\n{}\n",
        difference.step, privilege_name(before.state), address_name(pc, symbols), instruction,
        difference.what);
    text += trap_text(expected_name, before.state, difference.expected.state);
    text += trap_text(actual_name, before.state, difference.actual.state);
    text += fmt::format("  fetch from 0x{:x}:\n{}", pc, fetch.text);
    if (const auto accessed = accessed_by(before.state, word)) {
      text += fmt::format(
          "  {} 0x{:x}:\n{}", accessed->use == AddressUse::load ? "load from" : "store to",
          accessed->va, walk_address(before.state, read, accessed->va, accessed->use).text);
    }
  } else {
    text += fmt::format(
        "{}\nIt does not show when both machines are put at step {} and run from there: it depends "
        "on what an engine keeps besides the machine (decoded code, where a TLB entry's page is). "
        "Before: step {}; after: where it was seen.\n",
        difference.what, icount_of(before.state), icount_of(before.state));
  }
  const StateColumn columns[] = {{"before", &before.state},
                                 {expected_name, &difference.expected.state},
                                 {actual_name, &difference.actual.state}};
  const std::string fields = state_table(columns, true);
  const std::string ram = ram_text(difference, loaded);
  text += "\nWhat differs:\n";
  text += fields.empty() && ram.empty() ? "  nothing of the machine\n" : fields + ram;
  text += "\nAll of the state:\n" + state_table(columns, false);
  return text;
}

}  // namespace rookery
