// SPDX-License-Identifier: Apache-2.0
// The generator of random instructions (src/fuzz/random_code.h) and random machines: the same
// everywhere for a seed, all of the tables, and nothing that the options rule out.
#include "fuzz/random_code.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include <xxhash.h>

#include "engine/state_hash.h"
#include "fuzz/random_machine.h"

namespace rookery::fuzz {
namespace {

using isa::Kind;
using isa::Row;

class Widths : public testing::TestWithParam<Xlen> {};

TEST_P(Widths, HaveAllRowsInRandomCode) {
  const CodeGenerator code(GetParam());
  Random random(1);
  std::set<std::string_view> seen;
  u32 illegal = 0;
  for (u32 i = 0; i < 100'000; ++i) {
    const Row* row = isa::find_row(GetParam(), code.word(random));
    if (row == nullptr) {
      ++illegal;
    } else {
      seen.insert(row->name);
    }
  }
  EXPECT_GT(illegal, 500u);
  EXPECT_LT(illegal, 4'000u);
  for (const Row& row : isa::rows(GetParam())) EXPECT_TRUE(seen.contains(row.name)) << row.name;
}

TEST_P(Widths, HaveConfinedCodeThatStaysInside) {
  const CodeGenerator code(GetParam(), {.privileged = false,
                                        .invalid = false,
                                        .misaligned = false,
                                        .reservations = false,
                                        .confined = true});
  Random random(2);
  for (u32 i = 0; i < 100'000; ++i) {
    const u32 word = code.word(random);
    const Row* row = isa::find_row(GetParam(), word);
    ASSERT_NE(row, nullptr) << std::hex << word;
    EXPECT_NE(row->kind, Kind::SLOW) << row->name;
    EXPECT_NE(row->kind, Kind::JALR) << row->name;
    const u32 rd = (word >> 7) & 31;
    const u32 rs1 = (word >> 15) & 31;
    const i32 immediate = isa::immediate(row->format, word);
    const auto is_pointer = [](u32 number) {
      return number >= kPointers && number < kPointers + kPointerCount;
    };
    const bool accesses = row->kind == Kind::LOAD || row->kind == Kind::STORE;
    if (accesses || row->kind == Kind::AMO) {
      EXPECT_TRUE(is_pointer(rs1)) << row->name;
      EXPECT_EQ(immediate % (1 << ((word >> 12) & 3)), 0) << row->name;
    }
    if (row->kind == Kind::BRANCH || row->kind == Kind::JAL) {
      EXPECT_GE(immediate, 4);
      EXPECT_LE(immediate, static_cast<i32>(kMaxSkip) * 4);
      EXPECT_EQ(immediate % 4, 0);
    }
    const bool writes =
        row->kind != Kind::STORE && row->kind != Kind::BRANCH && row->kind != Kind::NOP;
    EXPECT_FALSE(writes && is_pointer(rd)) << row->name;
  }
}

// Bits that say which machine a seed and a case are: a report's command has to find it again.
TEST_P(Widths, HaveTheSameMachinesForASeed) {
  const Corpus corpus = make_corpus(GetParam(), 7, 3);
  EXPECT_EQ(corpus.ram, make_corpus(GetParam(), 7, kCorpusCases - 1).ram);
  EXPECT_NE(corpus.ram, make_corpus(GetParam(), 7, kCorpusCases).ram);
  EXPECT_NE(corpus.ram, make_corpus(GetParam(), 8, 3).ram);
  EXPECT_NE(hash_state(make_case(corpus, 3)).value(), hash_state(make_case(corpus, 4)).value());
  const u64 ram = XXH64(corpus.ram.data(), corpus.ram.size(), 0);
  const u64 state = hash_state(make_case(corpus, 3)).value();
  const bool is_32 = GetParam() == Xlen::rv32;
  EXPECT_EQ(ram, is_32 ? 17771279104634444797u : 2761224346699571637u);
  EXPECT_EQ(state, is_32 ? 11206703580838683823u : 16110165795726551533u);
}

INSTANTIATE_TEST_SUITE_P(All, Widths, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const testing::TestParamInfo<Xlen>& param) {
                           return "Rv" + std::to_string(static_cast<u32>(param.param));
                         });

}  // namespace
}  // namespace rookery::fuzz
