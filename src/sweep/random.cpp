// SPDX-License-Identifier: Apache-2.0
#include "sweep/random.h"

#include <string>

#include <xxhash.h>

namespace rookery::sweep {
namespace {

void append_little_endian(std::string& out, u64 value) {
  for (u32 shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

u64 draw(u64 seed, std::string_view name, u64 index, u64 attempt) {
  std::string key(name);
  append_little_endian(key, index);
  append_little_endian(key, attempt);
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

}  // namespace

u64 uniform(u64 seed, std::string_view name, u64 index, u64 bound) {
  if (bound == 0) return draw(seed, name, index, 0);
  const u64 refused = (0 - bound) % bound;  // 2^64 mod bound
  for (u64 attempt = 0;; ++attempt) {
    const auto product = static_cast<unsigned __int128>(draw(seed, name, index, attempt)) * bound;
    if (static_cast<u64>(product) >= refused) return static_cast<u64>(product >> 64);
  }
}

}  // namespace rookery::sweep
