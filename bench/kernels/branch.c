// SPDX-License-Identifier: Apache-2.0
//
// Code that branches: a little bytecode interpreter (a jump table), a tokenizer's state machine
// over random text, and binary searches. Basic blocks are short and their order depends on the
// data.
#include "kernel.h"

enum { kProgram = 256, kText = 512, kSorted = 128, kInstructions = 512, kSearches = 32 };

static u8 program[kProgram];
static u8 text[kText];
static u32 sorted[kSorted];
static u32 random_state;
static u32 checksum;

static u32 random_bits(int bits) {
  random_state = next_random(random_state);
  return random_state >> (32 - bits);
}

// An accumulator, eight registers, and jumps by the accumulator's bits.
static __attribute__((noinline)) u32 interpret(u32 accumulator) {
  u32 registers[8] = {1, 2, 3, 5, 7, 11, 13, 17};
  u32 pc = 0;
  for (int i = 0; i < kInstructions; i++) {
    u32 instruction = program[pc];
    u32* operand = &registers[(instruction >> 4) & 7u];
    pc = (pc + 1) % kProgram;
    switch (instruction & 15u) {
      case 0:
        accumulator += *operand;
        break;
      case 1:
        accumulator -= *operand;
        break;
      case 2:
        accumulator ^= *operand;
        break;
      case 3:
        accumulator = (accumulator << 3) | (accumulator >> 29);
        break;
      case 4:
        *operand = accumulator;
        break;
      case 5:
        *operand += 1;
        break;
      case 6:
        accumulator *= *operand | 1u;
        break;
      case 7:
        if (accumulator & 1u) pc = (pc + instruction) % kProgram;
        break;
      case 8:
        if ((int)accumulator < 0) pc = (pc + 3) % kProgram;
        break;
      case 9:
        if (accumulator > *operand) accumulator = *operand;
        break;
      case 10:
        accumulator = ~accumulator;
        break;
      case 11:
        accumulator |= *operand >> 5;
        break;
      case 12:
        accumulator += pc;
        break;
      case 13:
        *operand = *operand >> 1;
        break;
      case 14:
        accumulator &= *operand | 0xffff0000u;
        break;
      default:
        if (*operand < 1000u) accumulator++;
        break;
    }
  }
  return accumulator;
}

// Counts words, numbers and strings in the text.
static __attribute__((noinline)) u32 tokenize(void) {
  enum { kBetween, kWord, kNumber, kString } state = kBetween;
  u32 words = 0;
  u32 numbers = 0;
  u32 strings = 0;
  for (int i = 0; i < kText; i++) {
    u8 c = text[i];
    switch (state) {
      case kBetween:
        if (c >= 'a' && c <= 'z') {
          state = kWord;
          words++;
        } else if (c >= '0' && c <= '9') {
          state = kNumber;
          numbers += c - '0';
        } else if (c == '"') {
          state = kString;
        }
        break;
      case kWord:
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
          state = (c == '"') ? kString : kBetween;
        }
        break;
      case kNumber:
        if (c >= '0' && c <= '9') {
          numbers = numbers * 10 + (c - '0');
        } else {
          state = kBetween;
        }
        break;
      default:
        if (c == '"') {
          strings++;
          state = kBetween;
        }
        break;
    }
  }
  return words + (numbers << 5) + (strings << 24);
}

static __attribute__((noinline)) u32 search(u32 wanted) {
  u32 low = 0;
  u32 high = kSorted;
  while (low < high) {
    u32 middle = (low + high) / 2;
    if (sorted[middle] < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void kernel_setup(u32 seed) {
  random_state = seed * 2654435761u + 12345u;
  for (int i = 0; i < kProgram; i++) {
    program[i] = (u8)random_bits(8);
  }
  u32 value = 0;
  for (int i = 0; i < kSorted; i++) {
    value += random_bits(8);
    sorted[i] = value;
  }
}

u32 kernel_round(void) {
  static const u8 kAlphabet[16] = {'a', 'b', 'c', 'x', 'y', 'z', 'q', '0',
                                   '1', '7', '9', ' ', ' ', '.', '"', '\n'};
  for (int i = 0; i < kText; i++) {
    text[i] = kAlphabet[random_bits(4)];
  }
  checksum ^= interpret(checksum);
  program[random_bits(8)] = (u8)random_bits(8);
  checksum += tokenize();
  for (int i = 0; i < kSearches; i++) {
    checksum = (checksum << 1 | checksum >> 31) ^ search(random_bits(15));
  }
  return checksum;
}
