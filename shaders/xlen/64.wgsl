// SPDX-License-Identifier: Apache-2.0
// The xlen vocabulary for RV64, on pairs of words. Nothing outside shaders/xlen knows what xlen is. In C++:
// src/isa/xlen.h.

#import "dword.wgsl"

alias xlen = vec2<u32>;
const XLEN: u32 = 64u;

fn low(a: xlen) -> u32 { return a.x; }
fn high(a: xlen) -> u32 { return a.y; }
fn zext(a: u32) -> xlen { return vec2<u32>(a, 0u); }
fn sext(a: u32) -> xlen { return vec2<u32>(a, bitcast<u32>(bitcast<i32>(a) >> 31u)); }
fn sext8(a: u32) -> xlen { return sext(bitcast<u32>(bitcast<i32>(a << 24u) >> 24u)); }
fn sext16(a: u32) -> xlen { return sext(bitcast<u32>(bitcast<i32>(a << 16u) >> 16u)); }
fn dword_from_xlen(a: xlen) -> dword { return a; }
fn xlen_from_dword(a: dword) -> xlen { return a; }

fn add(a: xlen, b: xlen) -> xlen { return dword_add(a, b); }
fn sub(a: xlen, b: xlen) -> xlen { return dword_sub(a, b); }
fn bit_and(a: xlen, b: xlen) -> xlen { return a & b; }
fn bit_or(a: xlen, b: xlen) -> xlen { return a | b; }
fn bit_xor(a: xlen, b: xlen) -> xlen { return a ^ b; }
fn bit_not(a: xlen) -> xlen { return ~a; }
fn sll(a: xlen, n: xlen) -> xlen { return dword_sll(a, n.x & 63u); }
fn srl(a: xlen, n: xlen) -> xlen { return dword_srl(a, n.x & 63u); }
fn sra(a: xlen, n: xlen) -> xlen { return dword_sra(a, n.x & 63u); }
fn eq(a: xlen, b: xlen) -> bool { return dword_eq(a, b); }
fn ne(a: xlen, b: xlen) -> bool { return !dword_eq(a, b); }
fn lt(a: xlen, b: xlen) -> bool {
  return (bitcast<i32>(a.y) < bitcast<i32>(b.y)) || ((a.y == b.y) && (a.x < b.x));
}
fn ge(a: xlen, b: xlen) -> bool { return !lt(a, b); }
fn ltu(a: xlen, b: xlen) -> bool { return dword_ltu(a, b); }
fn geu(a: xlen, b: xlen) -> bool { return !dword_ltu(a, b); }
fn slt(a: xlen, b: xlen) -> xlen { return zext(u32(lt(a, b))); }
fn sltu(a: xlen, b: xlen) -> xlen { return zext(u32(ltu(a, b))); }
fn mul(a: xlen, b: xlen) -> xlen { return dword_mul(a, b); }
fn mulhu(a: xlen, b: xlen) -> xlen { return dword_mulhu(a, b); }
fn mulhsu(a: xlen, b: xlen) -> xlen {
  return sub(mulhu(a, b), select(zext(0u), b, is_negative(a)));
}
fn mulh(a: xlen, b: xlen) -> xlen {
  return sub(mulhsu(a, b), select(zext(0u), a, is_negative(b)));
}
fn div(a: xlen, b: xlen) -> xlen {
  if (eq(b, zext(0u))) {
    return sext(0xffffffffu);
  }
  let quotient = dword_divide(magnitude(a), magnitude(b)).quotient;
  return select(quotient, negate(quotient), is_negative(a) != is_negative(b));
}
fn divu(a: xlen, b: xlen) -> xlen {
  if (eq(b, zext(0u))) {
    return sext(0xffffffffu);
  }
  return dword_divide(a, b).quotient;
}
fn rem(a: xlen, b: xlen) -> xlen {
  if (eq(b, zext(0u))) {
    return a;
  }
  let remainder = dword_divide(magnitude(a), magnitude(b)).remainder;
  return select(remainder, negate(remainder), is_negative(a));
}
fn remu(a: xlen, b: xlen) -> xlen {
  if (eq(b, zext(0u))) {
    return a;
  }
  return dword_divide(a, b).remainder;
}

fn is_negative(a: xlen) -> bool { return (a.y >> 31u) != 0u; }
fn negate(a: xlen) -> xlen { return dword_sub(zext(0u), a); }
fn magnitude(a: xlen) -> xlen { return select(a, negate(a), is_negative(a)); }
