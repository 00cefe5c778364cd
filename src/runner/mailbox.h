// SPDX-License-Identifier: Apache-2.0
// The guest's mailbox: a file whose pages lie in the page cache of the snapshot, where the host
// overwrites them. The guest makes it before the snapshot is taken, 32 bytes a line
// (docs/sweeps.md):
//
//   awk 'BEGIN { for (i = 0; i < 2048; i++) printf "ROOKERY-MAILBOX line %010d\n", i }' > /mailbox
//
// A case finds a line with the number of bytes there, 16 bytes long, and the bytes.
#pragma once

#include <span>
#include <vector>

#include "engine/engine.h"
#include "machine/snapshot.h"

namespace rookery::runner {

class Mailbox {
 public:
  // Finds the pages. A snapshot without a mailbox has none of them.
  explicit Mailbox(const Checkpoint& machine);

  // Bytes that fit, the first line included; 0: there is no mailbox.
  u64 bytes() const { return pages_.size() * isa::PAGE_BYTES; }

  // What puts a message there; WordChange::vm is 0. Errors: usage, if it does not fit.
  Result<std::vector<WordChange>> put(std::span<const u8> message) const;

 private:
  std::vector<u32> pages_;  // physical addresses, in the file's order
};

}  // namespace rookery::runner
