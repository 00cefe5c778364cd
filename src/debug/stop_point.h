// SPDX-License-Identifier: Apache-2.0
// Where a machine under a debugger stops: before it executes, or accesses, certain bytes.
#pragma once

#include "base/types.h"

namespace rookery::debug {

struct StopPoint {
  enum class Kind : u8 { execute, load, store, access };
  Kind kind = Kind::execute;
  u64 va = 0;
  u32 bytes = 1;

  bool operator==(const StopPoint&) const = default;
};

}  // namespace rookery::debug
