// SPDX-License-Identifier: Apache-2.0
// What the examples' guest programs need of RISC-V Linux, 32 bits, without a C library.
#pragma once

enum { READ = 63, WRITE = 64, EXIT = 93 };  // system calls

static inline long call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}

static inline void say(const char* text) {
  unsigned bytes = 0;
  while (text[bytes] != 0) ++bytes;
  call(WRITE, 1, (long)text, (long)bytes);
}

// A line: `text` and eight hexadecimal digits.
static inline void say_hex(const char* text, unsigned value) {
  char digits[10];
  for (int i = 0; i < 8; ++i) digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  digits[8] = '\n';
  digits[9] = 0;
  say(text);
  say(digits);
}

static inline void end(int status) {
  for (;;) call(EXIT, status, 0, 0);
}
