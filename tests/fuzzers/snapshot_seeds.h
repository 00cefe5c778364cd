// SPDX-License-Identifier: Apache-2.0
// Small snapshots of every kind, to begin from.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"

namespace rookery::test {

struct SnapshotSeed {
  std::string name;
  std::vector<u8> bytes;
};

// Each after its parent. The same at each call.
std::vector<SnapshotSeed> snapshot_seeds();

}  // namespace rookery::test
