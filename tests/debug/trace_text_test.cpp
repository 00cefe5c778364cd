// SPDX-License-Identifier: Apache-2.0
// Records as text, in Spike's format, and two traces compared.
#include "debug/trace_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "debug/trace_comparison.h"

namespace rookery {
namespace {

using Kind = TraceRecord::Kind;
using testing::HasSubstr;
using testing::Not;

std::string text_of(const TraceRecord& record, Xlen xlen = Xlen::rv32) {
  std::string out;
  append_trace_text(out, {&record, 1}, xlen);
  return out;
}

constexpr u8 kLoadByte = isa::TRACE_LOADED;
constexpr u8 kStoreHalf = isa::TRACE_STORED | 1;
constexpr u8 kAmoWord = isa::TRACE_LOADED | isa::TRACE_STORED | 2;
constexpr u8 kStoreDword = isa::TRACE_STORED | 3;

TEST(TraceText, Commits) {
  EXPECT_EQ(text_of({0, 0x80000000, 0x80000000, 0, 0, 0x00000297, Kind::commit, 3, 5, 0}),
            "core   0: 3 0x80000000 (0x00000297) x5  0x80000000\n");
  EXPECT_EQ(text_of({0, 0xc0000000, 7, 0, 0, 0x00700513, Kind::commit, 1, 10, 0}),
            "core   0: 1 0xc0000000 (0x00700513) x10 0x00000007\n");
  EXPECT_EQ(text_of({0, 0x10000, 0, 0, 0, 0x00000063, Kind::commit, 0, 0, 0}),
            "core   0: 0 0x00010000 (0x00000063)\n");
  EXPECT_EQ(text_of({0, 0x80000000, 0, 0, 0, 0x13, Kind::commit, 3, 0, 0}, Xlen::rv64),
            "core   0: 3 0x0000000080000000 (0x00000013)\n");
}

TEST(TraceText, Memory) {
  EXPECT_EQ(
      text_of({0, 0x80000000, 0xff, 0x80001005, 0, 0x00544303, Kind::commit, 3, 6, kLoadByte}),
      "core   0: 3 0x80000000 (0x00544303) x6  0x000000ff mem 0x80001005\n");
  // Only the bytes stored.
  EXPECT_EQ(text_of({0, 0x80000000, 0, 0x80001000, 0x12345678, 0x00541023, Kind::commit, 3, 0,
                     kStoreHalf}),
            "core   0: 3 0x80000000 (0x00541023) mem 0x80001000 0x5678\n");
  EXPECT_EQ(text_of({0, 0x80000000, 3, 0x80001000, 9, 0x0064232f, Kind::commit, 3, 6, kAmoWord}),
            "core   0: 3 0x80000000 (0x0064232f) x6  0x00000003 mem 0x80001000 mem 0x80001000 "
            "0x00000009\n");
  EXPECT_EQ(
      text_of({0, 0x80000000, 0, 0x80001000, ~u64{0}, 0x00543023, Kind::commit, 3, 0, kStoreDword},
              Xlen::rv64),
      "core   0: 3 0x0000000080000000 (0x00543023) mem 0x0000000080001000 "
      "0xffffffffffffffff\n");
}

TEST(TraceText, Csrs) {
  EXPECT_EQ(text_of({0, 0x80000000, 0, 0, 0x80000004, 0x30529073, Kind::commit, 3, 0,
                     isa::TRACE_WROTE_CSR}),
            "core   0: 3 0x80000000 (0x30529073) c773_mtvec 0x80000004\n");
  EXPECT_EQ(text_of({0, 0x80000000, 1, 0, 2, 0x340292f3, Kind::commit, 3, 5, isa::TRACE_WROTE_CSR}),
            "core   0: 3 0x80000000 (0x340292f3) x5  0x00000001 c832_mscratch 0x00000002\n");
  EXPECT_EQ(
      text_of({0, 0x80000000, 0, 0, 0x80, 0x30200073, Kind::commit, 3, 0, isa::TRACE_WROTE_CSR}),
      "core   0: 3 0x80000000 (0x30200073) c768_mstatus 0x00000080\n");
  EXPECT_EQ(text_of({0, 0xc0000000, 0, 0, 0x2000000, 0x73, Kind::commit, 1, 10, isa::TRACE_SBI}),
            "core   0: 1 0xc0000000 (0x00000073) x10 0x00000000 x11 0x02000000\n");
}

TEST(TraceText, Traps) {
  EXPECT_EQ(
      text_of({0, 0xc0000000, 0x1234, 0, 0, isa::CAUSE_LOAD_PAGE_FAULT, Kind::exception, 1, 0, 0}),
      "core   0: exception trap_load_page_fault, epc 0xc0000000\n"
      "core   0:           tval 0x00001234\n");
  EXPECT_EQ(text_of({0, 0xc0000000, 0, 0, 0, isa::CAUSE_USER_ECALL, Kind::exception, 0, 0, 0}),
            "core   0: exception trap_user_ecall, epc 0xc0000000\n");
  EXPECT_EQ(text_of({0, 0xc0000000, 0, 0, 0, isa::IRQ_S_TIMER, Kind::interrupt, 1, 0, 0}),
            "core   0: exception interrupt #5, epc 0xc0000000\n");
  std::string exit;
  append_exit_text(exit, {0, isa::EXIT_WFI, 1, 0x2710});
  EXPECT_EQ(exit, "core   0: exit EXIT_WFI (0x1, 0x2710)\n");
}

TEST(TraceComparison, SaysWhereTracesPart) {
  std::vector<TraceRecord> records(20);
  for (u32 i = 0; i < records.size(); ++i)
    records[i] = {i, 0x80000000 + 4 * i, i, 0, 0, 0x00128293, Kind::commit, 3, 5, 0};
  TraceComparison comparison(Xlen::rv32, nullptr);
  comparison.add(0, records);
  comparison.add(1, std::span(records).first(12));
  EXPECT_TRUE(comparison.advance());
  EXPECT_EQ(comparison.equal(), 12u);
  EXPECT_EQ(comparison.waiting(0), 8u);
  EXPECT_THAT(comparison.text("one", "two"), HasSubstr("two  (nothing more)"));
  TraceRecord other = records[12];
  other.value = 99;
  comparison.add(1, std::span(&other, 1));
  EXPECT_FALSE(comparison.advance());
  EXPECT_EQ(comparison.equal(), 12u);
  const std::string text = comparison.text("one", "two");
  EXPECT_THAT(text, Not(HasSubstr("step 3:")));
  EXPECT_THAT(text, HasSubstr("  both  step 11: core   0: 3 0x8000002c (0x00128293) x5  0x0000000b"
                              "  addi"));
  EXPECT_THAT(text,
              HasSubstr("   one  step 12: core   0: 3 0x80000030 (0x00128293) x5  0x0000000c"));
  EXPECT_THAT(text,
              HasSubstr("   two  step 12: core   0: 3 0x80000030 (0x00128293) x5  0x00000063"));
}

}  // namespace
}  // namespace rookery
