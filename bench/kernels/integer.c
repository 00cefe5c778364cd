// SPDX-License-Identifier: Apache-2.0
//
// The mix of plain integer code: a linear congruential generator, insertion sort, CRC-32 bit by
// bit, Collatz sequences, and remainders. About 1.2 KiB of data, which every cache and TLB holds.
#include "kernel.h"

enum { kNumbers = 64, kBytes = 128, kSequences = 8 };

static u32 numbers[kNumbers];
static u8 bytes[kBytes];
static u32 random_state;
static u32 checksum;

static __attribute__((noinline)) void sort(u32* values, int count) {
  for (int i = 1; i < count; i++) {
    u32 value = values[i];
    int j = i;
    for (; j > 0 && values[j - 1] > value; j--) {
      values[j] = values[j - 1];
    }
    values[j] = value;
  }
}

static __attribute__((noinline)) u32 crc32(const u8* data, int count) {
  u32 crc = ~0u;
  for (int i = 0; i < count; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
  }
  return ~crc;
}

static __attribute__((noinline)) u32 collatz_steps(u32 n) {
  u32 steps = 0;
  while (n != 1) {
    n = (n & 1u) ? (3 * n + 1) : (n >> 1);
    steps++;
  }
  return steps;
}

void kernel_setup(u32 seed) { random_state = seed * 2654435761u + 12345u; }

u32 kernel_round(void) {
  for (int i = 0; i < kNumbers; i++) {
    random_state = next_random(random_state);
    numbers[i] = random_state >> 8;
  }
  sort(numbers, kNumbers);
  for (int i = 0; i < kBytes; i++) {
    bytes[i] = (u8)(numbers[i % kNumbers] >> (i & 15));
  }
  checksum ^= crc32(bytes, kBytes);
  for (int i = 0; i < kSequences; i++) {
    checksum += collatz_steps((numbers[i] & 0xffffu) | 1u);
  }
  checksum += numbers[3] % ((checksum & 0xffu) + 1);
  return checksum;
}
