// SPDX-License-Identifier: Apache-2.0
#include "fuzz/random_code.h"

#include <span>
#include <string_view>

namespace rookery::fuzz {
namespace {

using isa::Kind;
using isa::Operands;
using isa::Row;

constexpr u32 kCsrs[] = {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) number,
#define CSR32(name, number, read, ...) number,
#include "isa/csr.def"
};
constexpr u32 kStvec = 0x105;
constexpr u32 kMtvec = 0x305;

// How often each kind comes, in percent. What is left is for words that are no instruction.
struct Share {
  u32 percent;
  Kind kind;
};
constexpr std::array<Share, 9> kShares = {{{42, Kind::ALU},
                                           {13, Kind::LOAD},
                                           {12, Kind::STORE},
                                           {10, Kind::BRANCH},
                                           {2, Kind::JAL},
                                           {2, Kind::JALR},
                                           {7, Kind::AMO},
                                           {9, Kind::SLOW},
                                           {1, Kind::NOP}}};

}  // namespace

CodeGenerator::CodeGenerator(Xlen xlen, const CodeOptions& options) : options_(options) {
  for (const Row& row : isa::rows(xlen)) {
    if (is_wanted(row)) by_kind_[static_cast<u32>(row.kind)].push_back(&row);
  }
}

bool CodeGenerator::is_wanted(const Row& row) const {
  if (row.kind == Kind::SLOW) return options_.privileged;
  if (row.kind == Kind::JALR) return !options_.confined;
  const bool reserves = row.name.starts_with("lr_") || row.name.starts_with("sc_");
  return options_.reservations || !reserves;
}

u32 CodeGenerator::word(Random& random) const {
  while (true) {
    u32 pick = random.below(100);
    for (const Share& share : kShares) {
      if (pick < share.percent) {
        if (by_kind_[static_cast<u32>(share.kind)].empty()) break;
        return word_of(random, share.kind);
      }
      pick -= share.percent;
    }
    if (!options_.invalid) continue;
    if (random.percent(50)) return random.word();
    // One bit away from an instruction: what decoders forget to look at.
    const Kind kind = random.of(std::span(kShares)).kind;
    if (by_kind_[static_cast<u32>(kind)].empty()) continue;
    const u32 instruction = word_of(random, kind);
    return instruction ^ (1u << random.below(32));
  }
}

u32 CodeGenerator::any_rd(Random& random) const {
  const u32 number = random.below(32);
  const bool has_purpose = number >= kPointers && number < kTargets + kTargetCount;
  const bool spared = has_purpose && (options_.confined || random.percent(92));
  return spared ? number + 8 : number;
}

u32 CodeGenerator::any_base(Random& random) const {
  if (options_.confined || random.percent(95)) return kPointers + random.below(kPointerCount);
  return random.below(32);
}

u32 CodeGenerator::any_csr(Random& random) const {
  if (random.percent(6)) return random.below(4096);
  const u32 number = random.of(std::span(kCsrs));
  // A machine whose handlers are lost does little else any more.
  const bool is_vector = number == kStvec || number == kMtvec;
  return is_vector && random.percent(85) ? random.of(std::span(kCsrs)) : number;
}

i32 CodeGenerator::any_offset(Random& random, u32 alignment_bytes) const {
  const u32 value = random.below(2 * kReachBytes);
  const bool aligned = !options_.misaligned || random.percent(88);
  return static_cast<i32>(aligned ? value & ~(alignment_bytes - 1) : value) -
         static_cast<i32>(kReachBytes);
}

i32 CodeGenerator::any_distance(Random& random, Kind kind) const {
  if (options_.confined) return static_cast<i32>(1 + random.below(kMaxSkip)) * 4;
  const bool back = random.percent(kind == Kind::JAL ? 3 : 12);
  const i32 distance = static_cast<i32>(1 + random.below(40));
  return (back ? -distance : distance) * 4 + (options_.misaligned && random.percent(2) ? 2 : 0);
}

u32 CodeGenerator::word_of(Random& random, Kind kind) const {
  const Row* row = random.of(std::span(by_kind_[static_cast<u32>(kind)]));
  // Most waits are for nothing, and end a case.
  if (row->name == "wfi" && random.percent(90))
    row = random.of(std::span(by_kind_[static_cast<u32>(kind)]));
  Operands o;
  o.rd = any_rd(random);
  o.rs1 = random.below(32);
  o.rs2 = random.below(32);
  o.immediate = static_cast<i32>(random.word());
  switch (kind) {
    case Kind::LOAD:
    case Kind::STORE:
      o.rs1 = any_base(random);
      o.immediate = any_offset(random, 1u << ((row->match >> 12) & 3));
      break;
    case Kind::AMO:
      o.rs1 = any_base(random);
      break;
    case Kind::BRANCH:
    case Kind::JAL:
      o.immediate = any_distance(random, kind);
      break;
    case Kind::JALR:
      if (random.percent(90)) o.rs1 = kTargets + random.below(kTargetCount);
      o.immediate = any_offset(random, 4);
      break;
    case Kind::SLOW:
      o.csr = any_csr(random);
      break;
    case Kind::ALU:
    case Kind::NOP:
      break;
  }
  return isa::encode(*row, o);
}

}  // namespace rookery::fuzz
