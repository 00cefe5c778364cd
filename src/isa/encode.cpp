// SPDX-License-Identifier: Apache-2.0
#include "isa/encode.h"

#include <algorithm>

namespace rookery::isa {
namespace {

constexpr u32 rd(u32 number) { return (number & 31) << 7; }
constexpr u32 rs1(u32 number) { return (number & 31) << 15; }
constexpr u32 rs2(u32 number) { return (number & 31) << 20; }

// Unprivileged ISA, section 2.3.
constexpr u32 imm_s(u32 value) { return (((value >> 5) & 127) << 25) | ((value & 31) << 7); }
constexpr u32 imm_b(u32 value) {
  return (((value >> 12) & 1) << 31) | (((value >> 5) & 63) << 25) | (((value >> 1) & 15) << 8) |
         (((value >> 11) & 1) << 7);
}
constexpr u32 imm_j(u32 value) {
  return (((value >> 20) & 1) << 31) | (((value >> 1) & 1023) << 21) | (((value >> 11) & 1) << 20) |
         (((value >> 12) & 255) << 12);
}

u32 fields(Format format, const Operands& o) {
  const u32 immediate = static_cast<u32>(o.immediate);
  switch (format) {
    case Format::R:
    case Format::AMO:
      return rd(o.rd) | rs1(o.rs1) | rs2(o.rs2);
    case Format::I:
      return rd(o.rd) | rs1(o.rs1) | (immediate << 20);
    case Format::SHIFT:
      return rd(o.rd) | rs1(o.rs1) | ((immediate & 63) << 20);
    case Format::S:
      return rs1(o.rs1) | rs2(o.rs2) | imm_s(immediate);
    case Format::B:
      return rs1(o.rs1) | rs2(o.rs2) | imm_b(immediate);
    case Format::U:
      return rd(o.rd) | (immediate & 0xfffff000u);
    case Format::J:
      return rd(o.rd) | imm_j(immediate);
    case Format::CSR:
      return rd(o.rd) | rs1(o.rs1) | (o.csr << 20);
    case Format::CSRI:
      return rd(o.rd) | rs1(immediate) | (o.csr << 20);
    case Format::NONE:
      return 0;
  }
  return 0;
}

}  // namespace

u32 encode(const Row& row, const Operands& operands) {
  return row.match | (fields(row.format, operands) & ~row.mask);
}

const Row* find_row(Xlen xlen, std::string_view name) {
  const auto found = std::ranges::find(rows(xlen), name, &Row::name);
  return found == rows(xlen).end() ? nullptr : &*found;
}

}  // namespace rookery::isa
