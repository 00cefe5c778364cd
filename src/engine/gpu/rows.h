// SPDX-License-Identifier: Apache-2.0
// Dispatches of many items in two dimensions: a single one ends at 65,535 workgroups. The shaders
// count row by row.
#pragma once

#include "base/types.h"

namespace rookery {

inline constexpr u32 kLanes = 64;  // invocations of a workgroup, for `override lanes`
// Items that one dispatch may have: they are counted in 32 bits, and a watchdog may be looking.
inline constexpr u64 kMaxItems = u64{1} << 26;

struct Rows {
  u32 columns = 0;
  u32 rows = 0;
};

inline Rows rows_for(u64 items) {
  constexpr u64 kMaxWorkgroups = 65'535;  // in a dimension
  const u64 workgroups = (items + kLanes - 1) / kLanes;
  const u64 rows = (workgroups + kMaxWorkgroups - 1) / kMaxWorkgroups;
  return {static_cast<u32>((workgroups + rows - 1) / rows), static_cast<u32>(rows)};
}

}  // namespace rookery
