// SPDX-License-Identifier: Apache-2.0
// The pages that all machines of an engine start from: what load_base() was given, page by page,
// without those that are all zeros. Host side of the shaders' `base` and `base_map`.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "base/types.h"
#include "isa/constants.h"

namespace rookery {

class BaseImage {
 public:
  explicit BaseImage(u64 ram_bytes)
      : map_(ram_bytes / isa::PAGE_BYTES, 0), words_(isa::PAGE_BYTES, 0) {}

  // `offset` is counted from the start of RAM; the range is inside it.
  void load(u64 offset, std::span<const u8> bytes) {
    while (!bytes.empty()) {
      const u64 number = offset / isa::PAGE_BYTES;
      const u64 within = offset % isa::PAGE_BYTES;
      const u64 count = std::min<u64>(bytes.size(), isa::PAGE_BYTES - within);
      if (map_[number] != 0 || !all_zero(bytes.first(count))) {
        if (map_[number] == 0) {
          map_[number] = static_cast<u32>(words_.size() / isa::PAGE_BYTES);
          words_.resize(words_.size() + isa::PAGE_BYTES, 0);
        }
        std::memcpy(words_.data() + u64{map_[number]} * isa::PAGE_BYTES + within, bytes.data(),
                    count);
      }
      bytes = bytes.subspan(count);
      offset += count;
    }
  }

  // For each page of RAM, its page in bytes(); 0 is the page of zeros.
  std::span<const u32> map() const { return map_; }
  std::span<const u8> bytes() const { return words_; }

  std::span<const u8, isa::PAGE_BYTES> page(u64 number) const {
    return std::span<const u8>(words_)
        .subspan(u64{map_[number]} * isa::PAGE_BYTES)
        .first<isa::PAGE_BYTES>();
  }

 private:
  static bool all_zero(std::span<const u8> bytes) {
    return bytes.empty() ||
           (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
  }

  std::vector<u32> map_;
  std::vector<u8> words_;
};

}  // namespace rookery
