// SPDX-License-Identifier: Apache-2.0
// As much of an assembler as the guests of engine_test.cpp need. Offsets of branches are bytes.
#pragma once

#include <vector>

#include "base/types.h"

namespace rookery::test::guest {

enum Register : u32 {
  zero = 0,
  ra = 1,
  sp = 2,
  t0 = 5,
  t1 = 6,
  t2 = 7,
  s0 = 8,
  s1 = 9,
  a0 = 10,
  a1 = 11,
  t3 = 28,
  t4 = 29,
  t5 = 30
};

constexpr u32 i_type(u32 opcode, u32 funct3, u32 rd, u32 rs1, i32 immediate) {
  return (static_cast<u32>(immediate) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode;
}
constexpr u32 r_type(u32 opcode, u32 funct3, u32 funct7, u32 rd, u32 rs1, u32 rs2) {
  return (funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode;
}
constexpr u32 store(u32 size, u32 rs2, i32 offset, u32 rs1) {
  const u32 o = static_cast<u32>(offset);
  return (((o >> 5) & 0x7f) << 25) | (rs2 << 20) | (rs1 << 15) | (size << 12) | ((o & 31) << 7) |
         0x23;
}
constexpr u32 branch(u32 funct3, u32 rs1, u32 rs2, i32 offset) {
  const u32 o = static_cast<u32>(offset);
  return (((o >> 12) & 1) << 31) | (((o >> 5) & 0x3f) << 25) | (rs2 << 20) | (rs1 << 15) |
         (funct3 << 12) | (((o >> 1) & 15) << 8) | (((o >> 11) & 1) << 7) | 0x63;
}

constexpr u32 addi(u32 rd, u32 rs1, i32 immediate) { return i_type(0x13, 0, rd, rs1, immediate); }
constexpr u32 andi(u32 rd, u32 rs1, i32 immediate) { return i_type(0x13, 7, rd, rs1, immediate); }
constexpr u32 ori(u32 rd, u32 rs1, i32 immediate) { return i_type(0x13, 6, rd, rs1, immediate); }
constexpr u32 slli(u32 rd, u32 rs1, u32 shift) {
  return i_type(0x13, 1, rd, rs1, static_cast<i32>(shift));
}
constexpr u32 srli(u32 rd, u32 rs1, u32 shift) {
  return i_type(0x13, 5, rd, rs1, static_cast<i32>(shift));
}
constexpr u32 add(u32 rd, u32 rs1, u32 rs2) { return r_type(0x33, 0, 0, rd, rs1, rs2); }
constexpr u32 exclusive_or(u32 rd, u32 rs1, u32 rs2) { return r_type(0x33, 4, 0, rd, rs1, rs2); }
constexpr u32 bit_and(u32 rd, u32 rs1, u32 rs2) { return r_type(0x33, 7, 0, rd, rs1, rs2); }
constexpr u32 lui(u32 rd, u32 upper) { return (upper << 12) | (rd << 7) | 0x37; }
constexpr u32 auipc(u32 rd, u32 upper) { return (upper << 12) | (rd << 7) | 0x17; }
constexpr u32 lw(u32 rd, i32 offset, u32 rs1) { return i_type(0x03, 2, rd, rs1, offset); }
constexpr u32 lbu(u32 rd, i32 offset, u32 rs1) { return i_type(0x03, 4, rd, rs1, offset); }
constexpr u32 sb(u32 rs2, i32 offset, u32 rs1) { return store(0, rs2, offset, rs1); }
constexpr u32 sw(u32 rs2, i32 offset, u32 rs1) { return store(2, rs2, offset, rs1); }
constexpr u32 sd(u32 rs2, i32 offset, u32 rs1) { return store(3, rs2, offset, rs1); }
constexpr u32 amoadd_w(u32 rd, u32 rs2, u32 rs1) { return r_type(0x2f, 2, 0, rd, rs1, rs2); }
constexpr u32 beq(u32 rs1, u32 rs2, i32 offset) { return branch(0, rs1, rs2, offset); }
constexpr u32 bne(u32 rs1, u32 rs2, i32 offset) { return branch(1, rs1, rs2, offset); }
constexpr u32 kSpin = 0x0000006f;  // jal x0, 0

}  // namespace rookery::test::guest
