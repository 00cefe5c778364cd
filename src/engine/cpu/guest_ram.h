// SPDX-License-Identifier: Apache-2.0
// Guest RAM of one machine on the CPU: zero-filled, page-aligned, and resident only where it was
// touched (so that a machine costs what it uses).
#pragma once

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/types.h"

namespace rookery::cpu {

class GuestRam {
 public:
  explicit GuestRam(u64 bytes) : bytes_(bytes) {
#if defined(__linux__)
    void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    data_ = mapped == MAP_FAILED ? nullptr : static_cast<u8*>(mapped);
    // A hint, which may fail: a boot touches so much that most of its page faults were for nothing.
    if (data_ != nullptr) madvise(data_, bytes, MADV_HUGEPAGE);
#else
    data_ = static_cast<u8*>(std::calloc(bytes, 1));
#endif
  }
  ~GuestRam() {
    if (data_ == nullptr) return;
#if defined(__linux__)
    munmap(data_, bytes_);
#else
    std::free(data_);
#endif
  }
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  // Null if there was not enough memory.
  u8* data() const { return data_; }
  u64 size() const { return bytes_; }

 private:
  u64 bytes_;
  u8* data_;
};

}  // namespace rookery::cpu
