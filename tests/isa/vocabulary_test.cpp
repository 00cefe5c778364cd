// SPDX-License-Identifier: Apache-2.0
// The xlen and dword vocabulary against plain arithmetic in __int128, which holds every product and
// quotient of 64-bit operands exactly: an operation is right if its result is the exact one, modulo
// 2^XLEN. What is special (division by zero) is spelled out from the unprivileged ISA, table 11.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "isa/xlen.h"

namespace rookery::isa {
namespace {

__extension__ using Int = __int128;
__extension__ using Uint = unsigned __int128;

template <class U>
class XlenVocabulary : public testing::Test {
 public:
  using Vocab = Vocabulary<U>;
  static constexpr u32 kXlen = sizeof(U) * 8;

  static Int exact_signed(U a) {
    const Int value = static_cast<Int>(a);
    return (a >> (kXlen - 1)) != 0 ? value - (Int{1} << kXlen) : value;
  }
  static Int exact_unsigned(U a) { return static_cast<Int>(a); }
  static U reduced(Int a) { return static_cast<U>(static_cast<Uint>(a)); }
  // Bits XLEN and up of an exact product.
  static U upper(Int a) { return static_cast<U>(static_cast<Uint>(a) >> kXlen); }

  static std::vector<U> operands() {
    std::vector<U> values;
    for (u32 bit = 0; bit < kXlen; ++bit) {
      for (U around : {U(0), U(1), U(-1)}) values.push_back((U{1} << bit) + around);
      values.push_back(static_cast<U>(~(U{1} << bit)));
    }
    values.push_back(static_cast<U>(0x5555555555555555u));
    values.push_back(static_cast<U>(0xaaaaaaaaaaaaaaaau));
    std::mt19937_64 random{5};
    for (u32 i = 0; i < 200; ++i) values.push_back(static_cast<U>(random() >> (random() % 64)));
    return values;
  }

  // check(a, b) for every pair of interesting operands. Stops at the first that fails.
  template <class Check>
  static void for_pairs(Check check) {
    const std::vector<U> values = operands();
    for (U a : values) {
      for (U b : values) {
        check(a, b);
        if (testing::Test::HasFailure()) FAIL() << "a = " << a << ", b = " << b;
      }
    }
  }
};

using Widths = testing::Types<u32, u64>;
TYPED_TEST_SUITE(XlenVocabulary, Widths);

TYPED_TEST(XlenVocabulary, AddSubMul) {
  using V = typename TestFixture::Vocab;
  EXPECT_EQ(V::XLEN, TestFixture::kXlen);
  this->for_pairs([](auto a, auto b) {
    const Int x = TestFixture::exact_signed(a);
    const Int y = TestFixture::exact_signed(b);
    EXPECT_EQ(V::add(a, b), TestFixture::reduced(x + y));
    EXPECT_EQ(V::sub(a, b), TestFixture::reduced(x - y));
    EXPECT_EQ(V::mul(a, b), TestFixture::reduced(x * y));
  });
}

TYPED_TEST(XlenVocabulary, UpperHalvesOfProducts) {
  using V = typename TestFixture::Vocab;
  this->for_pairs([](auto a, auto b) {
    const Int x = TestFixture::exact_signed(a);
    const Int y = TestFixture::exact_signed(b);
    const Uint ux = static_cast<Uint>(TestFixture::exact_unsigned(a));
    const Uint uy = static_cast<Uint>(TestFixture::exact_unsigned(b));
    EXPECT_EQ(V::mulh(a, b), TestFixture::upper(x * y));
    EXPECT_EQ(V::mulhsu(a, b), TestFixture::upper(x * TestFixture::exact_unsigned(b)));
    EXPECT_EQ(V::mulhu(a, b), TestFixture::upper(static_cast<Int>(ux * uy)));
  });
}

TYPED_TEST(XlenVocabulary, Division) {
  using V = typename TestFixture::Vocab;
  this->for_pairs([](auto a, auto b) {
    const Int x = TestFixture::exact_signed(a);
    const Int y = TestFixture::exact_signed(b);
    const Int ux = TestFixture::exact_unsigned(a);
    const Int uy = TestFixture::exact_unsigned(b);
    // The overflow, -2^(XLEN-1) / -1, is the exact 2^(XLEN-1), which reduces to -2^(XLEN-1).
    EXPECT_EQ(V::div(a, b), TestFixture::reduced(b == 0 ? -1 : x / y));
    EXPECT_EQ(V::rem(a, b), TestFixture::reduced(b == 0 ? x : x % y));
    EXPECT_EQ(V::divu(a, b), TestFixture::reduced(b == 0 ? -1 : ux / uy));
    EXPECT_EQ(V::remu(a, b), TestFixture::reduced(b == 0 ? ux : ux % uy));
  });
}

TYPED_TEST(XlenVocabulary, Comparisons) {
  using V = typename TestFixture::Vocab;
  this->for_pairs([](auto a, auto b) {
    const bool less = TestFixture::exact_signed(a) < TestFixture::exact_signed(b);
    const bool below = TestFixture::exact_unsigned(a) < TestFixture::exact_unsigned(b);
    const bool same = TestFixture::exact_unsigned(a) == TestFixture::exact_unsigned(b);
    EXPECT_EQ(V::lt(a, b), less);
    EXPECT_EQ(V::ge(a, b), !less);
    EXPECT_EQ(V::ltu(a, b), below);
    EXPECT_EQ(V::geu(a, b), !below);
    EXPECT_EQ(V::eq(a, b), same);
    EXPECT_EQ(V::ne(a, b), !same);
    EXPECT_EQ(V::slt(a, b), less ? 1u : 0u);
    EXPECT_EQ(V::sltu(a, b), below ? 1u : 0u);
  });
}

TYPED_TEST(XlenVocabulary, BitwiseFromSums) {
  using V = typename TestFixture::Vocab;
  this->for_pairs([](auto a, auto b) {
    // A bit at a time, by division.
    Int both = 0, any = 0, one = 0;
    Int x = TestFixture::exact_unsigned(a);
    Int y = TestFixture::exact_unsigned(b);
    for (Int bit = 1; x != 0 || y != 0; bit *= 2, x /= 2, y /= 2) {
      const Int ones = x % 2 + y % 2;
      both += ones == 2 ? bit : 0;
      any += ones != 0 ? bit : 0;
      one += ones == 1 ? bit : 0;
    }
    EXPECT_EQ(V::bit_and(a, b), TestFixture::reduced(both));
    EXPECT_EQ(V::bit_or(a, b), TestFixture::reduced(any));
    EXPECT_EQ(V::bit_xor(a, b), TestFixture::reduced(one));
    EXPECT_EQ(V::bit_not(a), TestFixture::reduced(-1 - TestFixture::exact_unsigned(a)));
  });
}

// Only the low log2(XLEN) bits of an amount count.
TYPED_TEST(XlenVocabulary, ShiftsArePowersOfTwo) {
  using V = typename TestFixture::Vocab;
  this->for_pairs([](auto a, auto n) {
    const u32 amount = static_cast<u32>(static_cast<u64>(n) % TestFixture::kXlen);
    const Int power = Int{1} << amount;
    const Int x = TestFixture::exact_signed(a);
    const Int ux = TestFixture::exact_unsigned(a);
    EXPECT_EQ(V::sll(a, n), TestFixture::reduced(static_cast<Int>(static_cast<Uint>(ux) *
                                                                  static_cast<Uint>(power))));
    EXPECT_EQ(V::srl(a, n), TestFixture::reduced(ux / power));
    const Int floor = x >= 0 ? x / power : -((-x + power - 1) / power);
    EXPECT_EQ(V::sra(a, n), TestFixture::reduced(floor));
  });
}

TYPED_TEST(XlenVocabulary, ExtensionsAndHalves) {
  using V = typename TestFixture::Vocab;
  for (u64 wide : XlenVocabulary<u64>::operands()) {
    const u32 a = static_cast<u32>(wide);
    const Int exact = a;
    const auto sign_extended = [&](u32 bits) {
      const Int value = exact % (Int{1} << bits);
      return TestFixture::reduced(value >= Int{1} << (bits - 1) ? value - (Int{1} << bits) : value);
    };
    EXPECT_EQ(V::zext(a), TestFixture::reduced(exact));
    EXPECT_EQ(V::sext(a), sign_extended(32));
    EXPECT_EQ(V::sext16(a), sign_extended(16));
    EXPECT_EQ(V::sext8(a), sign_extended(8));

    const auto x = static_cast<TypeParam>(wide);
    EXPECT_EQ(V::low(x), static_cast<u32>(wide));
    EXPECT_EQ(V::high(x), TestFixture::kXlen == 64 ? static_cast<u32>(wide >> 32) : 0u);
    EXPECT_EQ(V::dword_from_xlen(x), static_cast<u64>(TestFixture::exact_unsigned(x)));
    EXPECT_EQ(V::xlen_from_dword(wide), x);
  }
}

TEST(DwordVocabulary, IsArithmeticModulo64Bits) {
  const std::vector<u64> values = XlenVocabulary<u64>::operands();
  const auto reduced = [](Int a) { return static_cast<u64>(static_cast<Uint>(a)); };
  for (u64 a : values) {
    const Int x = a;
    EXPECT_EQ(dword_lo(a), static_cast<u32>(x % (Int{1} << 32)));
    EXPECT_EQ(dword_hi(a), static_cast<u32>(x / (Int{1} << 32)));
    EXPECT_EQ(dword_make(dword_lo(a), dword_hi(a)), a);
    for (u32 n = 0; n < 64; ++n) {
      EXPECT_EQ(dword_srl(a, n), reduced(x / (Int{1} << n)));
      EXPECT_EQ(dword_sll(a, n), reduced(static_cast<Int>(static_cast<Uint>(x) << n)));
    }
    for (u64 b : values) {
      const Int y = b;
      ASSERT_EQ(dword_add(a, b), reduced(x + y));
      ASSERT_EQ(dword_sub(a, b), reduced(x - y));
      ASSERT_EQ(dword_add_u32(a, static_cast<u32>(b)), reduced(x + static_cast<u32>(b)));
      ASSERT_EQ(dword_ltu(a, b), x < y);
      ASSERT_EQ(dword_leu(a, b), x <= y);
      ASSERT_EQ(dword_eq(a, b), x == y);
    }
  }
}

TEST(WordVocabulary, IsRv32sArithmetic) {
  using V32 = Vocabulary<u32>;
  const std::vector<u32> values = XlenVocabulary<u32>::operands();
  for (u32 a : values) {
    for (u32 b : values) {
      ASSERT_EQ(word_sra(a, b), V32::sra(a, b)) << a << " " << b;
      ASSERT_EQ(word_div(a, b), V32::div(a, b)) << a << " " << b;
      ASSERT_EQ(word_divu(a, b), V32::divu(a, b)) << a << " " << b;
      ASSERT_EQ(word_rem(a, b), V32::rem(a, b)) << a << " " << b;
      ASSERT_EQ(word_remu(a, b), V32::remu(a, b)) << a << " " << b;
    }
  }
}

// WGSL, section 17.5 (numeric built-ins).
TEST(ShaderBuiltins, CountBitsAsWgslDoes) {
  EXPECT_EQ(countOneBits(0), 0u);
  EXPECT_EQ(countOneBits(~0u), 32u);
  EXPECT_EQ(firstTrailingBit(0), ~0u);
  EXPECT_EQ(firstLeadingBit(0), ~0u);
  for (u32 bit = 0; bit < 32; ++bit) {
    EXPECT_EQ(countOneBits(~(1u << bit)), 31u);
    EXPECT_EQ(firstTrailingBit(~0u << bit), bit);
    EXPECT_EQ(firstLeadingBit(~0u >> bit), 31 - bit);
  }
  EXPECT_EQ(select(1u, 2u, false), 1u);
  EXPECT_EQ(select(1u, 2u, true), 2u);
  EXPECT_EQ(min(3u, 2u), 2u);
  EXPECT_EQ(max(i32{-3}, i32{2}), 2);
}

}  // namespace
}  // namespace rookery::isa
