// SPDX-License-Identifier: Apache-2.0
// A guest program for faults: fills an array with pseudorandom numbers, sorts them, looks whether they ascend,
// and prints their checksum. So it notices some faults itself; of those that it does not, the checksum tells.
#include "guest.h"

#define COUNT 4000

unsigned numbers[COUNT];

static void sift_down(unsigned root, unsigned count) {
  unsigned value = numbers[root];
  for (;;) {
    unsigned child = 2 * root + 1;
    if (child >= count) break;
    if (child + 1 < count && numbers[child + 1] > numbers[child]) ++child;
    if (numbers[child] <= value) break;
    numbers[root] = numbers[child];
    root = child;
  }
  numbers[root] = value;
}

static void heap_sort(void) {
  for (unsigned root = COUNT / 2; root-- > 0;) sift_down(root, COUNT);
  for (unsigned count = COUNT; count-- > 1;) {
    unsigned largest = numbers[0];
    numbers[0] = numbers[count];
    numbers[count] = largest;
    sift_down(0, count);
  }
}

void _start(void) {
  unsigned seed = 1;
  for (unsigned i = 0; i < COUNT; ++i) {
    seed = seed * 1664525 + 1013904223;
    numbers[i] = seed;
  }
  say("sorting\n");  // here the snapshot is taken
  heap_sort();
  unsigned checksum = 0;
  for (unsigned i = 0; i < COUNT; ++i) {
    if (i > 0 && numbers[i] < numbers[i - 1]) {
      say("DETECTED order\n");
      end(2);
    }
    checksum = checksum * 31 + numbers[i];
  }
  say_hex("checksum ", checksum);
  end(0);
}
