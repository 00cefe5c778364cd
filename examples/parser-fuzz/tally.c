// SPDX-License-Identifier: Apache-2.0
// A guest program with bugs: reads records from standard input and prints their sum. A record is a letter, the number
// of bytes that follow it (one byte), and these:
//
//   n  a name: text
//   v  a value: slot (2 bytes, the low one first), value (1 byte)
//   r  a range of values to add: first, last, step (1 byte each)
//   g  a group: records
//
// What is trusted and should not be: the length of a name, the slot of a value, the step of a range.
#include "guest.h"

#define MAX_INPUT 4096
#define NAME_BYTES 24
#define SLOTS 256

static unsigned char input[MAX_INPUT];
static unsigned slots[SLOTS];

static void malformed(const char* why) {
  say("tally: malformed: ");
  say(why);
  say("\n");
  end(1);
}

__attribute__((noinline)) static unsigned read_name(const unsigned char* bytes, unsigned count) {
  volatile unsigned char name[NAME_BYTES];
  for (unsigned i = 0; i < count; ++i) name[i] = bytes[i];
  unsigned hash = 0;
  for (unsigned i = 0; i < count; ++i) hash = hash * 31 + name[i];
  return hash;
}

__attribute__((noinline)) static unsigned read_value(const unsigned char* bytes, unsigned count) {
  if (count != 3) malformed("a value has 3 bytes");
  const unsigned slot = bytes[0] | bytes[1] << 8;
  slots[slot] += bytes[2];
  return slots[slot];
}

__attribute__((noinline)) static unsigned read_range(const unsigned char* bytes, unsigned count) {
  if (count != 3) malformed("a range has 3 bytes");
  unsigned sum = 0;
  for (unsigned value = bytes[0]; value <= bytes[1]; value += bytes[2]) sum += value;
  return sum;
}

static unsigned read_records(const unsigned char* bytes, unsigned count) {
  unsigned sum = 0;
  unsigned at = 0;
  while (at < count) {
    if (count - at < 2) malformed("a record without a length");
    const unsigned kind = bytes[at];
    const unsigned length = bytes[at + 1];
    at += 2;
    if (length > count - at) malformed("a record that is longer than what is left");
    const unsigned char* body = bytes + at;
    switch (kind) {
      case 'n': sum += read_name(body, length); break;
      case 'v': sum += read_value(body, length); break;
      case 'r': sum += read_range(body, length); break;
      case 'g': sum += read_records(body, length); break;
      default: malformed("no such record");
    }
    at += length;
  }
  return sum;
}

void _start(void) {
  unsigned count = 0;
  for (;;) {
    const long more = call(READ, 0, (long)(input + count), (long)(MAX_INPUT - count));
    if (more <= 0) break;
    count += (unsigned)more;
  }
  say_hex("tally: ", read_records(input, count));
  end(0);
}
