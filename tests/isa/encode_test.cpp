// SPDX-License-Identifier: Apache-2.0
// Instruction words made of a row and operands (src/isa/encode.h): the row and the operands are
// found in them again.
#include "isa/encode.h"

#include <gtest/gtest.h>

#include <string>

#include "instruction_words.h"
#include "isa/disassemble.h"

namespace rookery::isa {
namespace {

class EncodeWidths : public testing::TestWithParam<Xlen> {};

TEST_P(EncodeWidths, FindTheRowAndItsImmediateAgain) {
  std::mt19937 random(1);
  for (const Row& row : rows(GetParam())) {
    for (const i64 value : interesting_immediates(row.format, GetParam(), 20, random)) {
      // Shifts of words have fewer bits than their format.
      if ((encode_immediate(row.format, GetParam(), value) & row.mask) != 0) continue;
      const Operands operands = {.rd = static_cast<u32>(random()) & 31,
                                 .rs1 = static_cast<u32>(random()) & 31,
                                 .rs2 = static_cast<u32>(random()) & 31,
                                 .immediate = static_cast<i32>(value),
                                 .csr = static_cast<u32>(random()) & 0xfff};
      const u32 word = encode(row, operands);
      ASSERT_EQ(find_row(GetParam(), word), &row) << row.name;
      EXPECT_EQ(immediate(row.format, word), static_cast<i32>(value)) << row.name;
      EXPECT_EQ(word & row.mask, row.match) << row.name;
    }
  }
}

TEST_P(EncodeWidths, ReadAsTheyWereWritten) {
  const auto text = [](std::string_view name, const Operands& operands) {
    const Row* row = find_row(GetParam(), name);
    return row == nullptr ? "no such row"
                          : disassemble(GetParam(), 0x80000000, encode(*row, operands));
  };
  EXPECT_EQ(text("add", {.rd = 1, .rs1 = 2, .rs2 = 3}), "add ra,sp,gp");
  EXPECT_EQ(text("addi", {.rd = 10, .rs1 = 11, .immediate = -2048}), "addi a0,a1,-2048");
  EXPECT_EQ(text("srai", {.rd = 10, .rs1 = 11, .immediate = 31}), "srai a0,a1,0x1f");
  EXPECT_EQ(text("sw", {.rs1 = 10, .rs2 = 11, .immediate = -4}), "sw a1,-4(a0)");
  EXPECT_EQ(text("bne", {.rs1 = 10, .rs2 = 11, .immediate = -4}), "bne a0,a1,0x7ffffffc");
  EXPECT_EQ(text("jal", {.rd = 1, .immediate = 0x100}), "jal ra,0x80000100");
  EXPECT_EQ(text("lui", {.rd = 5, .immediate = 0x12345000}), "lui t0,0x12345");
  EXPECT_EQ(text("csrrw", {.rd = 5, .rs1 = 6, .csr = 0x340}), "csrrw t0,mscratch,t1");
  EXPECT_EQ(text("csrrsi", {.rd = 5, .immediate = 31, .csr = 0x300}), "csrrsi t0,mstatus,31");
  EXPECT_EQ(text("amoadd_w", {.rd = 5, .rs1 = 6, .rs2 = 7}), "amoadd.w t0,t2,(t1)");
  EXPECT_EQ(text("mret", {}), "mret");
  EXPECT_EQ(text("no_such", {}), "no such row");
}

INSTANTIATE_TEST_SUITE_P(All, EncodeWidths, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const testing::TestParamInfo<Xlen>& param) {
                           return "Rv" + std::to_string(static_cast<u32>(param.param));
                         });

}  // namespace
}  // namespace rookery::isa
