// SPDX-License-Identifier: Apache-2.0
// shaders/machine/time.wgsl and shaders/mmu/translate.wgsl alone, on an adapter, against the same
// modules as the CPU engine has them (MachineCore32).
#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "engine/cpu/machine_core.h"
#include "shaders/shader_runner.h"

namespace rookery::test {
namespace {

using isa::Xlen;

// --- Time ---

TEST(TimeShader, StepsUntilATimer) {
  ShaderTest test;
  test.imports = machine_modules();
  test.ram_words = 1;
  test.words_in = 9;
  test.words_out = 5;
  test.text = R"(
fn test_case(i: u32) {
  hart.icount = dword_make(word_in(i, 0u), word_in(i, 1u));
  hart.time_skipped = dword_make(word_in(i, 2u), word_in(i, 3u));
  aclint.mtime_offset = dword_make(word_in(i, 4u), word_in(i, 5u));
  step = word_in(i, 6u);
  word_out(i, 0u, steps_until(dword_make(word_in(i, 7u), word_in(i, 8u))));
  let now = mtime_now();
  word_out(i, 1u, dword_lo(now));
  word_out(i, 2u, dword_hi(now));
  let count = icount_now();
  word_out(i, 3u, dword_lo(count));
  word_out(i, 4u, dword_hi(count));
}
)";
  std::mt19937_64 random{23};
  const std::vector<u64> odd = interesting_operands(64, 40);
  std::vector<u32> in;
  const auto push = [&](u64 value) {
    in.push_back(static_cast<u32>(value));
    in.push_back(static_cast<u32>(value >> 32));
  };
  for (u32 i = 0; i < 20'000; ++i) {
    const bool wild = i % 4 == 0;  // anything; else a machine that could be
    const u64 icount = wild ? odd[random() % odd.size()] : random() >> (24 + random() % 30);
    const u64 skipped = wild ? odd[random() % odd.size()] : random() >> (24 + random() % 30);
    const u64 offset = i % 3 == 0 ? odd[random() % odd.size()] : random() >> (random() % 64);
    const u32 step = static_cast<u32>(random() >> (32 + random() % 32));
    const u64 now = ((icount + step + skipped) >> isa::MTIME_SHIFT) + offset;
    push(icount);
    push(skipped);
    push(offset);
    in.push_back(step);
    push(wild ? odd[random() % odd.size()]
              : now + (random() >> (random() % 64)) - (i % 5 == 0 ? 3 : 0));
  }
  RUN_SHADER_TEST(result, test, in);
  const auto core = std::make_unique<cpu::MachineCore32>();
  for (size_t i = 0; i < in.size() / 9; ++i) {
    const u32* w = &in[i * 9];
    core->hart.icount = isa::dword_make(w[0], w[1]);
    core->hart.time_skipped = isa::dword_make(w[2], w[3]);
    core->aclint.mtime_offset = isa::dword_make(w[4], w[5]);
    core->step = w[6];
    const u32* out = &result.out[i * 5];
    ASSERT_EQ(out[0], core->steps_until(isa::dword_make(w[7], w[8]))) << "case " << i;
    ASSERT_EQ(isa::dword_make(out[1], out[2]), core->mtime_now()) << "case " << i;
    ASSERT_EQ(isa::dword_make(out[3], out[4]), core->icount_now()) << "case " << i;
  }
}

// --- Sv32 ---

constexpr u32 kPages =
    3;  // of each case: a root table, a leaf table, and one that only its entries can name
constexpr u32 kRamWords = kPages * isa::PAGE_WORDS;
constexpr u32 kCases = 3000;

TEST(TranslateShader, Sv32) {
  ShaderTest test;
  test.imports = machine_modules();
  test.ram_words = kRamWords;
  test.words_in = 5;
  test.words_out = 3;
  test.text = R"(
fn test_case(i: u32) {
  machine.ram_bytes = 12288u;
  hart.satp = word_in(i, 0u);
  hart.privilege = word_in(i, 1u);
  hart.mstatus = word_in(i, 2u);
  context_update();
  let access = word_in(i, 3u);
  let context = select(data_context, fetch_context, access == ACCESS_FETCH);
  word_out(i, 0u, translate(word_in(i, 4u), access, context));
  word_out(i, 1u, translate_fault);
  word_out(i, 2u, context);
}
)";
  std::mt19937 random{29};
  const auto pick = [&](std::initializer_list<u32> choices) {
    return choices.begin()[random() % choices.size()];
  };
  std::vector<u32> in;
  std::vector<u32> ram(u64{kCases} * kRamWords);
  constexpr u32 kFirstPpn = isa::RAM_BASE >> 12;
  for (u32 i = 0; i < kCases; ++i) {
    const u32 va = static_cast<u32>(random());
    const u32 root_ppn = random() % 40 == 0 ? pick({0, kFirstPpn + kPages, 0x3fffff}) : kFirstPpn;
    in.push_back((random() % 30 == 0 ? 0 : 0x80000000u) | root_ppn);
    in.push_back(pick({0, 1, 1, 3}));
    in.push_back(pick({0, 1u << 18, 1u << 19, 3u << 18, 1u << 17,
                       (1u << 17) | (1u << 11)}));  // SUM, MXR, MPRV, MPP
    in.push_back(random() % 3);
    in.push_back(va);
    // Mostly entries that lead on, with one thing wrong now and then.
    u32* words = &ram[u64{i} * kRamWords];
    const u32 leaf_flags = static_cast<u32>(random()) & 0x3ff;
    const u32 valid = random() % 8 == 0 ? 0 : 1;
    const u32 leaf_ppn =
        random() % 16 == 0 ? static_cast<u32>(random()) & 0x3fffff : kFirstPpn + random() % 4;
    u32& root = words[va >> 22];
    u32& leaf = words[isa::PAGE_WORDS + ((va >> 12) & 1023)];
    leaf = (leaf_ppn << 10) | (leaf_flags & ~1u) | valid;
    switch (random() % 8) {
      case 0:
        root = (pick({kFirstPpn, 0x80400, 0x80000, 0x103, 0x3ffc00, 0x100000}) << 10) | leaf_flags |
               valid;
        break;  // a superpage
      case 1:
        root = static_cast<u32>(random());
        break;
      case 2:
        root = ((kFirstPpn + 1) << 10) | 1 | (1u << (random() % 10));
        break;  // a pointer with one more bit
      default:
        root = ((kFirstPpn + 1) << 10) | 1;
        break;
    }
  }
  RUN_SHADER_TEST(result, test, in, ram);
  const auto core = std::make_unique<cpu::MachineCore32>();
  u32 good = 0;
  u32 updated = 0;
  for (u32 i = 0; i < kCases; ++i) {
    std::vector<u32> own(ram.begin() + static_cast<i64>(u64{i} * kRamWords),
                         ram.begin() + static_cast<i64>(u64{i + 1} * kRamWords));
    const std::vector<u32> before = own;
    core->ram = reinterpret_cast<u8*>(own.data());
    core->page_flags.assign(kPages, 0);
    core->machine.ram_bytes = kPages * isa::PAGE_BYTES;
    const u32* w = &in[u64{i} * 5];
    core->hart.satp = w[0];
    core->hart.privilege = w[1];
    core->hart.mstatus = w[2];
    core->context_update();
    const u32 context = w[3] == core->ACCESS_FETCH ? core->fetch_context : core->data_context;
    const u32 pa = core->translate(w[4], w[3], context);
    const u32* out = &result.out[u64{i} * 3];
    ASSERT_EQ(out[2], context) << "case " << i;
    ASSERT_EQ(out[1], core->translate_fault) << fmt::format(
        "case {}: satp {:08x}, va {:08x}, access {}, context {:x}", i, w[0], w[4], w[3], context);
    ASSERT_EQ(out[0], pa) << "case " << i;
    ASSERT_TRUE(std::equal(own.begin(), own.end(),
                           result.ram.begin() + static_cast<i64>(u64{i} * kRamWords)))
        << "case " << i << ": page-table entries differ";
    good += core->translate_fault == core->NO_FAULT ? 1 : 0;
    updated += own != before ? 1 : 0;
  }
  EXPECT_GT(good, kCases / 5);
  EXPECT_GT(updated, kCases / 20);
}

}  // namespace
}  // namespace rookery::test
