// SPDX-License-Identifier: Apache-2.0
// Random instruction words, from the rows of the ISA tables: no second table of instructions.
#pragma once

#include <array>
#include <vector>

#include "fuzz/random.h"
#include "isa/encode.h"

namespace rookery::fuzz {

using isa::Xlen;

// Registers with a purpose. Random code reads them as any others.
inline constexpr u32 kPointers = 8;  // x8 to x11 hold addresses of data
inline constexpr u32 kPointerCount = 4;
inline constexpr u32 kTargets = 12;  // x12 and x13 hold addresses of code, for jalr
inline constexpr u32 kTargetCount = 2;
// With CodeOptions::confined, loads and stores reach so far around what a pointer holds.
inline constexpr u32 kReachBytes = 2048;

struct CodeOptions {
  bool privileged = true;    // CSRs, ecall, ebreak, returns from traps, wfi, sfence.vma
  bool invalid = true;       // words that are no instruction, or may be none
  bool misaligned = true;    // some loads, stores and jumps that a machine may refuse
  bool reservations = true;  // lr and sc
  // Loads, stores and atomics go through a pointer only, pointers and targets are never written,
  // and all jumps go forward, over at most kMaxSkip instructions; no jalr. With all of the above
  // off and pointers aligned to 8 bytes, such code cannot trap and ends behind its last
  // instruction, if kMaxSkip nops follow it.
  bool confined = false;
};
inline constexpr u32 kMaxSkip = 16;

class CodeGenerator {
 public:
  explicit CodeGenerator(Xlen xlen, const CodeOptions& options = {});

  // The next word. The same for the same options and state of `random`, on every host.
  u32 word(Random& random) const;

 private:
  static constexpr u32 kKinds = static_cast<u32>(isa::Kind::NOP) + 1;

  bool is_wanted(const isa::Row& row) const;
  u32 any_rd(Random& random) const;
  u32 any_base(Random& random) const;
  u32 any_csr(Random& random) const;
  i32 any_offset(Random& random, u32 alignment_bytes) const;
  i32 any_distance(Random& random, isa::Kind kind) const;
  u32 word_of(Random& random, isa::Kind kind) const;

  CodeOptions options_;
  std::array<std::vector<const isa::Row*>, kKinds> by_kind_;
};

}  // namespace rookery::fuzz
