// SPDX-License-Identifier: Apache-2.0
#include "isa/decode.h"

#include <array>
#include <vector>

namespace rookery::isa {
namespace {

#define INSN(name, format, match, mask, kind, ...) \
  Row{#name, Format::format, match, mask, Kind::kind, #__VA_ARGS__},
constexpr Row kRows32[] = {
#include "isa/rv32.def"
};
#define INSN(name, format, match, mask, kind, ...) \
  Row{#name, Format::format, match, mask, Kind::kind, #__VA_ARGS__},
constexpr Row kRows64[] = {
#include "isa/rv64.def"
};

// The rows of each major opcode (bits 6:2), so that a search looks at few.
struct Index {
  explicit Index(std::span<const Row> rows) {
    for (const Row& row : rows) by_opcode[(row.match >> 2) & 31].push_back(&row);
  }
  std::array<std::vector<const Row*>, 32> by_opcode;
};

u32 sign_extend(u32 value, u32 bits) {
  const u32 shift = 32 - bits;
  return static_cast<u32>(static_cast<i32>(value << shift) >> shift);
}

}  // namespace

std::span<const Row> rows(Xlen xlen) {
  if (xlen == Xlen::rv32) return kRows32;
  return kRows64;
}

const Row* find_row(Xlen xlen, u32 word) {
  static const Index index32{kRows32};
  static const Index index64{kRows64};
  const Index& index = xlen == Xlen::rv32 ? index32 : index64;
  for (const Row* row : index.by_opcode[(word >> 2) & 31]) {
    if ((word & row->mask) == row->match) return row;
  }
  return nullptr;
}

i32 immediate(Format format, u32 word) {
  u32 value = 0;
  switch (format) {
    case Format::I:
      value = sign_extend(word >> 20, 12);
      break;
    case Format::SHIFT:
      value = (word >> 20) & 63;
      break;
    case Format::S:
      value = sign_extend(((word >> 25) << 5) | ((word >> 7) & 31), 12);
      break;
    case Format::B:
      value = sign_extend(((word >> 31) << 12) | (((word >> 7) & 1) << 11) |
                              (((word >> 25) & 63) << 5) | (((word >> 8) & 15) << 1),
                          13);
      break;
    case Format::U:
      value = word & 0xfffff000u;
      break;
    case Format::J:
      value = sign_extend(((word >> 31) << 20) | (((word >> 12) & 255) << 12) |
                              (((word >> 20) & 1) << 11) | (((word >> 21) & 1023) << 1),
                          21);
      break;
    case Format::CSRI:
      value = (word >> 15) & 31;
      break;
    case Format::R:
    case Format::AMO:
    case Format::CSR:
    case Format::NONE:
      break;
  }
  return static_cast<i32>(value);
}

}  // namespace rookery::isa
