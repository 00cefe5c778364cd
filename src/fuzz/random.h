// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same everywhere, for a seed: SplitMix64 (Steele, Lea, Flood 2014).
// The standard library's distributions differ between implementations.
#pragma once

#include <span>

#include "base/types.h"

namespace rookery::fuzz {

// Operands and arguments are evaluated in no certain order: draw only once in an expression, or
// every compiler gets its own numbers.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}

  u64 next() {
    state_ += 0x9e3779b97f4a7c15;
    u64 z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  u32 word() { return static_cast<u32>(next() >> 32); }
  // Below `count`, which is not 0.
  u32 below(u32 count) { return static_cast<u32>((u64{word()} * count) >> 32); }
  bool percent(u32 chance) { return below(100) < chance; }
  // One of `choices`, which are not empty.
  template <class T, std::size_t kCount>
  T& of(std::span<T, kCount> choices) {
    return choices[below(static_cast<u32>(choices.size()))];
  }

 private:
  u64 state_;
};

}  // namespace rookery::fuzz
