// SPDX-License-Identifier: Apache-2.0
// Memory for many objects of a few KiB each. They come from large blocks, which the system backs
// with huge pages where it can: page faults for each object would cost more than what is done with
// most of them.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/types.h"

namespace rookery::cpu {

template <class T>
class PagePool {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  PagePool() = default;
  ~PagePool() {
    for (void* block : blocks_) ::operator delete(block, kBlockAlignment);
  }
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // An object of any bytes, valid until it is given back or the pool ends.
  T* take() {
    if (free_.empty()) add_block();
    T* object = free_.back();
    free_.pop_back();
    return object;
  }

  void give_back(T* object) { free_.push_back(object); }

 private:
  static constexpr size_t kBlockBytes = size_t{2} << 20;  // a huge page
  static constexpr std::align_val_t kBlockAlignment{kBlockBytes};

  void add_block() {
    void* block = ::operator new(kBlockBytes, kBlockAlignment);
    blocks_.push_back(block);
#if defined(__linux__)
    madvise(block, kBlockBytes, MADV_HUGEPAGE);  // a hint: it may fail
#endif
    T* const objects = static_cast<T*>(block);
    for (size_t i = kBlockBytes / sizeof(T); i-- > 0;) free_.push_back(objects + i);
  }

  std::vector<void*> blocks_;
  std::vector<T*> free_;
};

}  // namespace rookery::cpu
