// SPDX-License-Identifier: Apache-2.0
//
// Loads and stores over 56 KiB: a pointer chase through a random cycle of 16 KiB, copies of 16 KiB
// by words and of 2 KiB by bytes, and updates at random places of 8 KiB.
#include "kernel.h"

enum {
  kLinks = 4096,
  kWords = 4096,
  kCounters = 2048,
  kSteps = 1024,
  kUpdates = 512,
  kCopiedBytes = 2048
};

static u32 links[kLinks];
static u32 source[kWords];
static u32 target[kWords];
static u32 counters[kCounters];
static u32 position;
static u32 random_state;
static u32 checksum;

static __attribute__((noinline)) void copy_words(u32* to, const u32* from, int count) {
  for (int i = 0; i < count; i += 4) {
    u32 a = from[i];
    u32 b = from[i + 1];
    u32 c = from[i + 2];
    u32 d = from[i + 3];
    to[i] = a;
    to[i + 1] = b;
    to[i + 2] = c;
    to[i + 3] = d;
  }
}

static __attribute__((noinline)) void copy_bytes(u8* to, const u8* from, int count) {
  for (int i = 0; i < count; i++) {
    to[i] = from[i];
  }
}

// Sattolo's shuffle: one cycle through all links.
void kernel_setup(u32 seed) {
  random_state = seed * 2654435761u + 12345u;
  for (u32 i = 0; i < kLinks; i++) {
    links[i] = i;
  }
  for (u32 i = kLinks - 1; i > 0; i--) {
    random_state = next_random(random_state);
    u32 j = (random_state >> 8) % i;
    u32 link = links[i];
    links[i] = links[j];
    links[j] = link;
  }
  for (int i = 0; i < kWords; i++) {
    random_state = next_random(random_state);
    source[i] = random_state;
  }
}

u32 kernel_round(void) {
  for (int i = 0; i < kSteps; i++) {
    position = links[position];
    checksum += position;
  }
  copy_words(target, source, kWords);
  copy_bytes((u8*)source + 1, (const u8*)target + kCopiedBytes, kCopiedBytes);
  for (int i = 0; i < kUpdates; i++) {
    random_state = next_random(random_state);
    counters[(random_state >> 16) % kCounters] += target[(random_state >> 4) % kWords];
  }
  source[position] ^= checksum + counters[position % kCounters];
  checksum ^= source[position];
  return checksum;
}
