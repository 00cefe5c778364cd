// SPDX-License-Identifier: Apache-2.0
// A guest program for faults: fills an array with pseudorandom numbers, sorts them, looks whether they ascend,
// and prints their checksum. So it notices some faults itself; of those that it does not, the checksum tells.
//
// RISC-V Linux, 32 bits, no C library.
#define COUNT 4000

unsigned numbers[COUNT];

static long call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}

static void print(const char* text, unsigned bytes) { call(64, 1, (long)text, (long)bytes); }

static void end(int status) {
  for (;;) call(93, status, 0, 0);
}

static void print_hex(unsigned value) {
  char text[9];
  for (int i = 0; i < 8; ++i) text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  text[8] = '\n';
  print(text, sizeof text);
}

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
  print("sorting\n", 8);  // here the snapshot is taken
  heap_sort();
  unsigned checksum = 0;
  for (unsigned i = 0; i < COUNT; ++i) {
    if (i > 0 && numbers[i] < numbers[i - 1]) {
      print("DETECTED order\n", 15);
      end(2);
    }
    checksum = checksum * 31 + numbers[i];
  }
  print("checksum ", 9);
  print_hex(checksum);
  end(0);
}
