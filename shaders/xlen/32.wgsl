// SPDX-License-Identifier: Apache-2.0
// The xlen vocabulary for RV32. Nothing outside shaders/xlen knows what xlen is. In C++: src/isa/xlen.h.

#import "dword.wgsl"

alias xlen = u32;
const XLEN: u32 = 32u;

fn low(a: xlen) -> u32 { return a; }
fn high(a: xlen) -> u32 { return 0u; }
fn zext(a: u32) -> xlen { return a; }
fn sext(a: u32) -> xlen { return a; }
fn sext8(a: u32) -> xlen { return bitcast<u32>(bitcast<i32>(a << 24u) >> 24u); }
fn sext16(a: u32) -> xlen { return bitcast<u32>(bitcast<i32>(a << 16u) >> 16u); }
fn dword_from_xlen(a: xlen) -> dword { return vec2<u32>(a, 0u); }
fn xlen_from_dword(a: dword) -> xlen { return a.x; }

fn add(a: xlen, b: xlen) -> xlen { return a + b; }
fn sub(a: xlen, b: xlen) -> xlen { return a - b; }
fn bit_and(a: xlen, b: xlen) -> xlen { return a & b; }
fn bit_or(a: xlen, b: xlen) -> xlen { return a | b; }
fn bit_xor(a: xlen, b: xlen) -> xlen { return a ^ b; }
fn bit_not(a: xlen) -> xlen { return ~a; }
fn sll(a: xlen, n: xlen) -> xlen { return a << (n & 31u); }
fn srl(a: xlen, n: xlen) -> xlen { return a >> (n & 31u); }
fn sra(a: xlen, n: xlen) -> xlen { return word_sra(a, n); }
fn eq(a: xlen, b: xlen) -> bool { return a == b; }
fn ne(a: xlen, b: xlen) -> bool { return a != b; }
fn lt(a: xlen, b: xlen) -> bool { return bitcast<i32>(a) < bitcast<i32>(b); }
fn ge(a: xlen, b: xlen) -> bool { return bitcast<i32>(a) >= bitcast<i32>(b); }
fn ltu(a: xlen, b: xlen) -> bool { return a < b; }
fn geu(a: xlen, b: xlen) -> bool { return a >= b; }
fn slt(a: xlen, b: xlen) -> xlen { return u32(lt(a, b)); }
fn sltu(a: xlen, b: xlen) -> xlen { return u32(a < b); }
fn mul(a: xlen, b: xlen) -> xlen { return a * b; }
fn mulhu(a: xlen, b: xlen) -> xlen { return word_mul_wide(a, b).y; }
fn mulhsu(a: xlen, b: xlen) -> xlen { return mulhu(a, b) - select(0u, b, lt(a, 0u)); }
fn mulh(a: xlen, b: xlen) -> xlen { return mulhsu(a, b) - select(0u, a, lt(b, 0u)); }
fn div(a: xlen, b: xlen) -> xlen { return word_div(a, b); }
fn divu(a: xlen, b: xlen) -> xlen { return word_divu(a, b); }
fn rem(a: xlen, b: xlen) -> xlen { return word_rem(a, b); }
fn remu(a: xlen, b: xlen) -> xlen { return word_remu(a, b); }
