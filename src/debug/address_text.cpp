// SPDX-License-Identifier: Apache-2.0
#include "debug/address_text.h"

#include <string_view>

namespace rookery {
namespace {

constexpr u32 kPrivilegeM = 3;
constexpr u64 kPageMask = ~u64{isa::PAGE_BYTES - 1};

// Privileged ISA 12.3.1: bits 0 to 7 of a PTE, and which of them make it a leaf.
constexpr std::string_view kPteBits = "VRWXUGAD";
constexpr u32 kPteValid = 1;
constexpr u32 kPteLeaf = 2 | 4 | 8;
constexpr u32 kPteRootShift = 22;
constexpr u32 kPtePageShift = 12;

bool is_translated(const isa::State<u32>& state, AddressUse use) {
  const bool as_previous =
      use != AddressUse::fetch && (state.hart.mstatus & isa::MSTATUS_MPRV) != 0;
  const u32 privilege =
      as_previous ? (state.hart.mstatus & isa::MSTATUS_MPP) >> 11 : state.hart.privilege;
  return privilege != kPrivilegeM && (state.hart.satp & isa::SATP32_MODE) != 0;
}
// RV64 has no translation here.
bool is_translated(const isa::State<u64>&, AddressUse) { return false; }

std::string pte_bits(u32 pte) {
  std::string bits;
  for (u32 i = 0; i < kPteBits.size(); ++i) bits += ((pte >> i) & 1) != 0 ? kPteBits[i] : '-';
  return bits;
}

std::optional<u32> walk_tables(u32 satp, const ReadWord& read, u32 va, std::string& text) {
  u64 table = u64{satp & isa::SATP32_PPN} << 12;
  for (u32 shift = kPteRootShift;; shift = kPtePageShift) {
    const u64 at = table + (((va >> shift) & 1023) << 2);
    const std::optional<u32> pte =
        at <= 0xffffffffu ? read(static_cast<u32>(at)) : std::optional<u32>{};
    if (!pte) {
      text += fmt::format("    page table entry at 0x{:08x}, which is not in RAM\n", at);
      return std::nullopt;
    }
    text += fmt::format("    level {} page table entry at 0x{:08x}: 0x{:08x} {}\n",
                        shift == kPteRootShift ? 1 : 0, at, *pte, pte_bits(*pte));
    if ((*pte & kPteValid) == 0) return std::nullopt;
    const u64 page = u64{*pte >> 10} << 12;
    if ((*pte & kPteLeaf) != 0) {
      const u64 pa = page | (va & ((1u << shift) - 1));
      if (pa > 0xffffffffu) return std::nullopt;
      return static_cast<u32>(pa);
    }
    if (shift == kPtePageShift) return std::nullopt;
    table = page;
  }
}

}  // namespace

AddressWalk walk_address(const MachineState& state, const ReadWord& read, u64 va, AddressUse use) {
  return std::visit(
      [&](const auto& s) {
        AddressWalk walk;
        const u32 entry = static_cast<u32>(use) * isa::TLB_ENTRIES +
                          static_cast<u32>((va / isa::PAGE_BYTES) % isa::TLB_ENTRIES);
        const u64 tag = s.hart.tlb_tag[entry];
        std::optional<u32> by_tlb;
        if (tag != 0 && (tag & kPageMask) == (va & kPageMask)) {
          by_tlb = s.hart.tlb_page[entry] | static_cast<u32>(va & ~kPageMask);
          walk.text += fmt::format("    TLB entry {}: tag 0x{:x}, page 0x{:08x}\n", entry, tag,
                                   s.hart.tlb_page[entry]);
        }
        if (is_translated(s, use)) {
          walk.pa =
              walk_tables(static_cast<u32>(s.hart.satp), read, static_cast<u32>(va), walk.text);
        } else if (va <= 0xffffffffu) {
          walk.text += "    no translation\n";
          walk.pa = static_cast<u32>(va);
        }
        const bool stale = by_tlb && by_tlb != walk.pa;
        if (by_tlb) walk.pa = by_tlb;
        walk.text += walk.pa ? fmt::format("    physical address 0x{:08x}{}\n", *walk.pa,
                                           stale ? ", by the TLB, not by the page table" : "")
                             : "    no physical address\n";
        return walk;
      },
      state);
}

}  // namespace rookery
