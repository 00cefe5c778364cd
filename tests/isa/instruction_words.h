// SPDX-License-Identifier: Apache-2.0
// Instruction words for the tests of this folder: where each format keeps its immediate, written
// down bit by bit as in the unprivileged ISA's figures (independently of isa::immediate()), and
// words of a row with interesting operands.
#pragma once

#include <array>
#include <random>
#include <span>
#include <vector>

#include "isa/decode.h"

namespace rookery::isa {

inline std::span<const Format> all_formats() {
  static constexpr Format kAll[] = {Format::R,   Format::I,    Format::SHIFT, Format::S,
                                    Format::B,   Format::U,    Format::J,     Format::AMO,
                                    Format::CSR, Format::CSRI, Format::NONE};
  return kAll;
}

// A run of immediate bits: immediate bits [imm_low, imm_low + bits) are word bits from word_low on.
struct ImmediateRun {
  u32 word_low;
  u32 imm_low;
  u32 bits;
};

// Unprivileged ISA, figure 2.4, and for SHIFT and CSRI the instructions' own figures.
inline std::vector<ImmediateRun> immediate_runs(Format format, Xlen xlen) {
  switch (format) {
    case Format::I:
      return {{20, 0, 12}};
    case Format::SHIFT:
      return {{20, 0, xlen == Xlen::rv32 ? 5u : 6u}};
    case Format::S:
      return {{7, 0, 5}, {25, 5, 7}};
    case Format::B:
      return {{8, 1, 4}, {25, 5, 6}, {7, 11, 1}, {31, 12, 1}};
    case Format::U:
      return {{12, 12, 20}};
    case Format::J:
      return {{21, 1, 10}, {20, 11, 1}, {12, 12, 8}, {31, 20, 1}};
    case Format::CSRI:
      return {{15, 0, 5}};
    case Format::R:
    case Format::AMO:
    case Format::CSR:
    case Format::NONE:
      return {};
  }
  return {};
}

inline u32 encode_immediate(Format format, Xlen xlen, i64 imm) {
  u32 word = 0;
  for (const ImmediateRun& run : immediate_runs(format, xlen)) {
    const u64 bits = (static_cast<u64>(imm) >> run.imm_low) & ((u64{1} << run.bits) - 1);
    word |= static_cast<u32>(bits << run.word_low);
  }
  return word;
}

struct ImmediateRange {
  i64 low;
  i64 high;
  i64 step;
};
inline ImmediateRange immediate_range(Format format, Xlen xlen) {
  switch (format) {
    case Format::I:
    case Format::S:
      return {-2048, 2047, 1};
    case Format::B:
      return {-4096, 4094, 2};
    case Format::U:
      return {-(i64{1} << 31), (i64{1} << 31) - 4096, 4096};
    case Format::J:
      return {-(1 << 20), (1 << 20) - 2, 2};
    case Format::SHIFT:
      return {0, xlen == Xlen::rv32 ? 31 : 63, 1};
    case Format::CSRI:
      return {0, 31, 1};
    case Format::R:
    case Format::AMO:
    case Format::CSR:
    case Format::NONE:
      return {0, 0, 1};
  }
  return {0, 0, 1};
}

// The ends, around zero, every single bit and its complement, and `random_count` others.
inline std::vector<i64> interesting_immediates(Format format, Xlen xlen, u32 random_count,
                                               std::mt19937& random) {
  const ImmediateRange range = immediate_range(format, xlen);
  std::vector<i64> wanted{range.low,  range.low + range.step,  -range.step, 0,
                          range.step, range.high - range.step, range.high};
  for (i64 bit = range.step; bit <= range.high; bit *= 2) {
    wanted.push_back(bit);
    wanted.push_back(range.high & ~bit);
    wanted.push_back(-bit);
  }
  std::uniform_int_distribution<i64> steps(0, (range.high - range.low) / range.step);
  for (u32 i = 0; i < random_count; ++i) wanted.push_back(range.low + steps(random) * range.step);
  std::erase_if(wanted, [&](i64 imm) { return imm < range.low || imm > range.high; });
  return wanted;
}

}  // namespace rookery::isa
