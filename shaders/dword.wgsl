// SPDX-License-Identifier: Apache-2.0
// 64-bit arithmetic on pairs of words, low word first: counters and time on every XLEN, and what RV64's
// vocabulary is made of. In C++ these are src/isa/xlen.h.

alias dword = vec2<u32>;

fn dword_make(lo: u32, hi: u32) -> dword {
  return vec2<u32>(lo, hi);
}

fn dword_lo(d: dword) -> u32 {
  return d.x;
}

fn dword_hi(d: dword) -> u32 {
  return d.y;
}

fn dword_add(a: dword, b: dword) -> dword {
  let lo = a.x + b.x;
  return vec2<u32>(lo, a.y + b.y + u32(lo < a.x));
}

fn dword_add_u32(a: dword, b: u32) -> dword {
  let lo = a.x + b;
  return vec2<u32>(lo, a.y + u32(lo < b));
}

fn dword_sub(a: dword, b: dword) -> dword {
  return vec2<u32>(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn dword_eq(a: dword, b: dword) -> bool {
  return (a.x == b.x) && (a.y == b.y);
}

fn dword_ltu(a: dword, b: dword) -> bool {
  return (a.y < b.y) || ((a.y == b.y) && (a.x < b.x));
}

fn dword_leu(a: dword, b: dword) -> bool {
  return !dword_ltu(b, a);
}

fn dword_srl(a: dword, n: u32) -> dword {
  if (n >= 32u) {
    return vec2<u32>(a.y >> (n - 32u), 0u);
  }
  if (n == 0u) {
    return a;
  }
  return vec2<u32>((a.x >> n) | (a.y << (32u - n)), a.y >> n);
}

fn dword_sll(a: dword, n: u32) -> dword {
  if (n >= 32u) {
    return vec2<u32>(0u, a.x << (n - 32u));
  }
  if (n == 0u) {
    return a;
  }
  return vec2<u32>(a.x << n, (a.y << n) | (a.x >> (32u - n)));
}

fn dword_sra(a: dword, n: u32) -> dword {
  let sign = bitcast<u32>(bitcast<i32>(a.y) >> 31u);
  if (n >= 32u) {
    return vec2<u32>(word_sra(a.y, n - 32u), sign);
  }
  if (n == 0u) {
    return a;
  }
  return vec2<u32>((a.x >> n) | (a.y << (32u - n)), word_sra(a.y, n));
}

// The 64-bit product of two words.
fn word_mul_wide(a: u32, b: u32) -> dword {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let ll = al * bl;
  let lh = al * bh;
  let hl = ah * bl;
  let middle = (ll >> 16u) + (lh & 0xffffu) + (hl & 0xffffu);
  return vec2<u32>(a * b, (ah * bh) + (lh >> 16u) + (hl >> 16u) + (middle >> 16u));
}

fn dword_mul(a: dword, b: dword) -> dword {
  let low_product = word_mul_wide(a.x, b.x);
  return vec2<u32>(low_product.x, low_product.y + (a.x * b.y) + (a.y * b.x));
}

// The upper half of the 128-bit product.
fn dword_mulhu(a: dword, b: dword) -> dword {
  let ll = word_mul_wide(a.x, b.x);
  let lh = word_mul_wide(a.x, b.y);
  let hl = word_mul_wide(a.y, b.x);
  let hh = word_mul_wide(a.y, b.y);
  let first = dword_add_u32(lh, ll.y);
  let second = dword_add_u32(hl, first.x);
  return dword_add_u32(dword_add_u32(hh, first.y), second.y);
}

// Quotient and remainder of unsigned division by shifting and subtracting; b is not 0.
struct DwordDivision {
  quotient: dword,
  remainder: dword,
}

fn dword_divide(a: dword, b: dword) -> DwordDivision {
  if ((a.y == 0u) && (b.y == 0u)) {
    return DwordDivision(vec2<u32>(a.x / b.x, 0u), vec2<u32>(a.x % b.x, 0u));
  }
  var quotient = a;
  var remainder = vec2<u32>(0u, 0u);
  for (var i = 0u; i < 64u; i++) {
    let carried = remainder.y >> 31u;
    remainder = vec2<u32>((remainder.x << 1u) | (quotient.y >> 31u), (remainder.y << 1u) | (remainder.x >> 31u));
    quotient = vec2<u32>(quotient.x << 1u, (quotient.y << 1u) | (quotient.x >> 31u));
    if ((carried != 0u) || dword_leu(b, remainder)) {
      remainder = dword_sub(remainder, b);
      quotient.x |= 1u;
    }
  }
  return DwordDivision(quotient, remainder);
}

// --- Words ---

fn word_sra(a: u32, n: u32) -> u32 {
  return bitcast<u32>(bitcast<i32>(a) >> (n & 31u));
}

fn word_div(a: u32, b: u32) -> u32 {
  if (b == 0u) {
    return 0xffffffffu;
  }
  if (b == 0xffffffffu) {
    return 0u - a;
  }
  return bitcast<u32>(bitcast<i32>(a) / bitcast<i32>(b));
}

fn word_divu(a: u32, b: u32) -> u32 {
  if (b == 0u) {
    return 0xffffffffu;
  }
  return a / b;
}

fn word_rem(a: u32, b: u32) -> u32 {
  if (b == 0u) {
    return a;
  }
  if (b == 0xffffffffu) {
    return 0u;
  }
  return bitcast<u32>(bitcast<i32>(a) % bitcast<i32>(b));
}

fn word_remu(a: u32, b: u32) -> u32 {
  if (b == 0u) {
    return a;
  }
  return a % b;
}
