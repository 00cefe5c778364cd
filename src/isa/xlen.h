// SPDX-License-Identifier: Apache-2.0
// The xlen and dword vocabulary in C++: the functions that instruction semantics (isa/*.def) and
// the shared shader modules are written in. shaders/dword.wgsl and shaders/xlen/*.wgsl are the same
// vocabulary in WGSL, where xlen is u32 or a pair of them; tests/shaders compares the two.
//
// Semantics are the RISC-V unprivileged specification's; shift amounts are masked to XLEN.
#pragma once

#include <bit>
#include <limits>
#include <type_traits>

#include "base/types.h"

namespace rookery::isa {

// --- 64-bit counters, whatever XLEN is ---
using dword = u64;

constexpr dword dword_make(u32 lo, u32 hi) { return (u64{hi} << 32) | lo; }
constexpr u32 dword_lo(dword d) { return static_cast<u32>(d); }
constexpr u32 dword_hi(dword d) { return static_cast<u32>(d >> 32); }
constexpr dword dword_add(dword a, dword b) { return a + b; }
constexpr dword dword_sub(dword a, dword b) { return a - b; }
constexpr dword dword_add_u32(dword a, u32 b) { return a + b; }
constexpr bool dword_ltu(dword a, dword b) { return a < b; }
constexpr bool dword_leu(dword a, dword b) { return a <= b; }
constexpr bool dword_eq(dword a, dword b) { return a == b; }
constexpr dword dword_srl(dword a, u32 n) { return a >> n; }
constexpr dword dword_sll(dword a, u32 n) { return a << n; }

// --- Words (32 bits), used by both widths ---
constexpr u32 word_sra(u32 a, u32 n) { return static_cast<u32>(static_cast<i32>(a) >> (n & 31u)); }

template <class U>
constexpr U divide_signed(U a, U b) {
  using S = std::make_signed_t<U>;
  if (b == 0) return static_cast<U>(-1);
  if (b == static_cast<U>(-1)) return U{0} - a;
  return static_cast<U>(static_cast<S>(a) / static_cast<S>(b));
}
template <class U>
constexpr U remainder_signed(U a, U b) {
  using S = std::make_signed_t<U>;
  if (b == 0) return a;
  if (b == static_cast<U>(-1)) return 0;
  return static_cast<U>(static_cast<S>(a) % static_cast<S>(b));
}
constexpr u32 word_div(u32 a, u32 b) { return divide_signed<u32>(a, b); }
constexpr u32 word_divu(u32 a, u32 b) { return b == 0 ? ~0u : a / b; }
constexpr u32 word_rem(u32 a, u32 b) { return remainder_signed<u32>(a, b); }
constexpr u32 word_remu(u32 a, u32 b) { return b == 0 ? a : a % b; }

// WGSL's built-ins that shared code uses, under their own names.
template <class T>
constexpr T select(T if_false, T if_true, bool condition) {
  return condition ? if_true : if_false;
}
constexpr u32 countOneBits(u32 a) { return static_cast<u32>(std::popcount(a)); }
constexpr u32 firstTrailingBit(u32 a) {
  return a == 0 ? ~0u : static_cast<u32>(std::countr_zero(a));
}
constexpr u32 firstLeadingBit(u32 a) {
  return a == 0 ? ~0u : 31u - static_cast<u32>(std::countl_zero(a));
}
template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

// --- xlen: a template over the unsigned integer of that width ---
template <class U>
struct Vocabulary {
  using xlen = U;
  using signed_xlen = std::make_signed_t<U>;
  using wide = std::conditional_t<sizeof(U) == 4, u64, unsigned __int128>;
  using signed_wide = std::conditional_t<sizeof(U) == 4, i64, __int128>;
  static constexpr u32 XLEN = std::numeric_limits<U>::digits;

  static constexpr signed_xlen as_signed(xlen a) { return static_cast<signed_xlen>(a); }

  static constexpr xlen zext(u32 a) { return a; }
  static constexpr xlen sext(u32 a) {
    return static_cast<xlen>(static_cast<signed_xlen>(static_cast<i32>(a)));
  }
  static constexpr xlen sext8(u32 a) {
    return static_cast<xlen>(static_cast<signed_xlen>(static_cast<i8>(a)));
  }
  static constexpr xlen sext16(u32 a) {
    return static_cast<xlen>(static_cast<signed_xlen>(static_cast<i16>(a)));
  }
  static constexpr u32 low(xlen a) { return static_cast<u32>(a); }
  static constexpr u32 high(xlen a) {
    if constexpr (XLEN == 64) return static_cast<u32>(a >> 32);
    return 0;
  }
  static constexpr dword dword_from_xlen(xlen a) { return a; }
  static constexpr xlen xlen_from_dword(dword a) { return static_cast<xlen>(a); }

  static constexpr xlen add(xlen a, xlen b) { return a + b; }
  static constexpr xlen sub(xlen a, xlen b) { return a - b; }
  static constexpr xlen bit_and(xlen a, xlen b) { return a & b; }
  static constexpr xlen bit_or(xlen a, xlen b) { return a | b; }
  static constexpr xlen bit_xor(xlen a, xlen b) { return a ^ b; }
  static constexpr xlen bit_not(xlen a) { return ~a; }
  static constexpr xlen sll(xlen a, xlen n) { return a << (n & (XLEN - 1)); }
  static constexpr xlen srl(xlen a, xlen n) { return a >> (n & (XLEN - 1)); }
  static constexpr xlen sra(xlen a, xlen n) {
    return static_cast<xlen>(as_signed(a) >> (n & (XLEN - 1)));
  }
  static constexpr bool eq(xlen a, xlen b) { return a == b; }
  static constexpr bool ne(xlen a, xlen b) { return a != b; }
  static constexpr bool lt(xlen a, xlen b) { return as_signed(a) < as_signed(b); }
  static constexpr bool ge(xlen a, xlen b) { return as_signed(a) >= as_signed(b); }
  static constexpr bool ltu(xlen a, xlen b) { return a < b; }
  static constexpr bool geu(xlen a, xlen b) { return a >= b; }
  static constexpr xlen slt(xlen a, xlen b) { return lt(a, b) ? 1 : 0; }
  static constexpr xlen sltu(xlen a, xlen b) { return ltu(a, b) ? 1 : 0; }
  static constexpr xlen mul(xlen a, xlen b) { return a * b; }
  static constexpr xlen mulh(xlen a, xlen b) {
    return static_cast<xlen>((signed_wide{as_signed(a)} * signed_wide{as_signed(b)}) >> XLEN);
  }
  static constexpr xlen mulhsu(xlen a, xlen b) {
    return static_cast<xlen>((signed_wide{as_signed(a)} * static_cast<signed_wide>(wide{b})) >>
                             XLEN);
  }
  static constexpr xlen mulhu(xlen a, xlen b) {
    return static_cast<xlen>((wide{a} * wide{b}) >> XLEN);
  }
  static constexpr xlen div(xlen a, xlen b) { return divide_signed<xlen>(a, b); }
  static constexpr xlen divu(xlen a, xlen b) { return b == 0 ? ~xlen{0} : a / b; }
  static constexpr xlen rem(xlen a, xlen b) { return remainder_signed<xlen>(a, b); }
  static constexpr xlen remu(xlen a, xlen b) { return b == 0 ? a : a % b; }
};

}  // namespace rookery::isa
