// SPDX-License-Identifier: Apache-2.0
// shaders/xlen/32.wgsl, shaders/xlen/64.wgsl and shaders/dword.wgsl: every function of the
// vocabulary against src/isa/xlen.h, over all pairs of interesting operands. (tests/isa compares
// xlen.h with exact arithmetic.) A function is a row of VOCABULARY below.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "isa/xlen.h"
#include "shaders/shader_runner.h"

namespace rookery::test {
namespace {

using namespace isa;

// ROW(what it is called with, name): arguments, then the result
//   X xlen, W word, D dword, S a shift amount below 64, B bool: XX_B is (xlen, xlen) -> bool
// clang-format off
#define VOCABULARY(ROW)                                                                            \
  ROW(XX_X, add) ROW(XX_X, sub) ROW(XX_X, bit_and) ROW(XX_X, bit_or)                               \
  ROW(XX_X, bit_xor) ROW(X_X, bit_not) ROW(XX_X, sll) ROW(XX_X, srl)                               \
  ROW(XX_X, sra) ROW(XX_B, eq) ROW(XX_B, ne) ROW(XX_B, lt)                                         \
  ROW(XX_B, ge) ROW(XX_B, ltu) ROW(XX_B, geu) ROW(XX_X, slt)                                       \
  ROW(XX_X, sltu) ROW(XX_X, mul) ROW(XX_X, mulh) ROW(XX_X, mulhsu)                                 \
  ROW(XX_X, mulhu) ROW(XX_X, div) ROW(XX_X, divu) ROW(XX_X, rem)                                   \
  ROW(XX_X, remu) ROW(X_W, low) ROW(X_W, high) ROW(W_X, zext)                                      \
  ROW(W_X, sext) ROW(W_X, sext8) ROW(W_X, sext16) ROW(X_D, dword_from_xlen)                        \
  ROW(D_X, xlen_from_dword) ROW(WW_D, dword_make) ROW(D_W, dword_lo) ROW(D_W, dword_hi)            \
  ROW(DD_D, dword_add) ROW(DD_D, dword_sub) ROW(DW_D, dword_add_u32) ROW(DD_B, dword_ltu)          \
  ROW(DD_B, dword_leu) ROW(DD_B, dword_eq) ROW(DS_D, dword_srl) ROW(DS_D, dword_sll)               \
  ROW(WW_W, word_sra) ROW(WW_W, word_div) ROW(WW_W, word_divu) ROW(WW_W, word_rem)                 \
  ROW(WW_W, word_remu) ROW(W_W, countOneBits) ROW(W_W, firstTrailingBit) ROW(W_W, firstLeadingBit) \
  ROW(WW_W, min) ROW(WW_W, max)
// clang-format on

constexpr const char* kNames[] = {
#define ROW(kind, name) #name,
    VOCABULARY(ROW)
#undef ROW
};
constexpr u32 kCount = sizeof(kNames) / sizeof(kNames[0]);

// The call in WGSL, as a dword. `a` and `b` are dwords; `c` and `d` the same as xlen.
constexpr const char* XX_X = "dword_from_xlen({}(c, d))";
constexpr const char* XX_B = "dword_make(u32({}(c, d)), 0u)";
constexpr const char* X_X = "dword_from_xlen({}(c))";
constexpr const char* X_W = "dword_make({}(c), 0u)";
constexpr const char* W_X = "dword_from_xlen({}(a.x))";
constexpr const char* WW_W = "dword_make({}(a.x, b.x), 0u)";
constexpr const char* W_W = "dword_make({}(a.x), 0u)";
constexpr const char* DD_D = "{}(a, b)";
constexpr const char* DD_B = "dword_make(u32({}(a, b)), 0u)";
constexpr const char* DW_D = "{}(a, b.x)";
constexpr const char* DS_D = "{}(a, b.x & 63u)";
constexpr const char* X_D = "{}(c)";
constexpr const char* D_X = "dword_from_xlen({}(a))";
constexpr const char* WW_D = "{}(a.x, b.y)";
constexpr const char* D_W = "dword_make({}(a), 0u)";

template <class U>
struct Expected : Vocabulary<U> {
  using V = Expected;
  // The same calls in C++.
#define CALL_XX_X(name) V::name(static_cast<U>(a), static_cast<U>(b))
#define CALL_XX_B(name) (V::name(static_cast<U>(a), static_cast<U>(b)) ? 1 : 0)
#define CALL_X_X(name) V::name(static_cast<U>(a))
#define CALL_X_W(name) V::name(static_cast<U>(a))
#define CALL_W_X(name) V::name(static_cast<u32>(a))
#define CALL_WW_W(name) isa::name(static_cast<u32>(a), static_cast<u32>(b))
#define CALL_W_W(name) isa::name(static_cast<u32>(a))
#define CALL_DD_D(name) isa::name(a, b)
#define CALL_DD_B(name) (isa::name(a, b) ? 1 : 0)
#define CALL_DW_D(name) isa::name(a, static_cast<u32>(b))
#define CALL_DS_D(name) isa::name(a, static_cast<u32>(b) & 63u)
#define CALL_X_D(name) V::name(static_cast<U>(a))
#define CALL_D_X(name) V::name(a)
#define CALL_WW_D(name) isa::name(static_cast<u32>(a), static_cast<u32>(b >> 32))
#define CALL_D_W(name) isa::name(a)
  static std::vector<u64> results(u64 a, u64 b) {
    return {
#define ROW(kind, name) static_cast<u64>(CALL_##kind(name)),
        VOCABULARY(ROW)
#undef ROW
    };
  }
};

template <class U>
void check_vocabulary(Xlen xlen) {
  ShaderTest test;
  test.xlen = xlen;
  test.words_in = 4;
  test.words_out = 2 * kCount;
  test.text =
      "fn test_case(i: u32) {\n  let a = dword_make(word_in(i, 0u), word_in(i, 1u));\n"
      "  let b = dword_make(word_in(i, 2u), word_in(i, 3u));\n  let c = xlen_from_dword(a);\n  let "
      "d = xlen_from_dword(b);\n"
      "  var r: dword;\n";
  u32 at = 0;
#define ROW(kind, name)                                                                       \
  test.text += fmt::format("  r = {};\n  word_out(i, {}u, r.x);\n  word_out(i, {}u, r.y);\n", \
                           fmt::format(fmt::runtime(kind), #name), at, at + 1);               \
  at += 2;
  VOCABULARY(ROW)
#undef ROW
  test.text += "}\n";

  const std::vector<u64> operands = interesting_operands(64, 60);
  std::vector<u32> in;
  for (u64 a : operands) {
    for (u64 b : operands) {
      for (u64 word : {a, b}) {
        in.push_back(static_cast<u32>(word));
        in.push_back(static_cast<u32>(word >> 32));
      }
    }
  }
  RUN_SHADER_TEST(result, test, in);
  for (size_t i = 0; i < in.size() / 4; ++i) {
    const u64 a = dword_make(in[4 * i], in[4 * i + 1]);
    const u64 b = dword_make(in[4 * i + 2], in[4 * i + 3]);
    const std::vector<u64> expected = Expected<U>::results(a, b);
    for (u32 n = 0; n < kCount; ++n) {
      const u64 found =
          dword_make(result.out[(i * kCount + n) * 2], result.out[(i * kCount + n) * 2 + 1]);
      ASSERT_EQ(found, expected[n])
          << fmt::format("{}, RV{}, of 0x{:x} and 0x{:x}", kNames[n], static_cast<u32>(xlen), a, b);
    }
  }
}

TEST(XlenShader, Rv32) { check_vocabulary<u32>(Xlen::rv32); }
TEST(XlenShader, Rv64) { check_vocabulary<u64>(Xlen::rv64); }

}  // namespace
}  // namespace rookery::test
