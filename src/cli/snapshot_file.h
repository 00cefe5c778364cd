// SPDX-License-Identifier: Apache-2.0
// Snapshots as files: `rookery run --snapshot-on ... -o FILE`, `rookery run FILE`. The format is
// machine/snapshot.h's.
#pragma once

#include <string>

#include "machine/snapshot.h"

namespace rookery::cli {

// Writes a file beside `path`, and puts it into its place when all of it is on the disk: whatever
// happens, `path` is what it was or the whole snapshot. Gives its size.
Result<u64> write_snapshot(const std::string& path, const Snapshot& snapshot);

// Reads and checks all of `path`.
Result<Snapshot> read_snapshot(const std::string& path);

}  // namespace rookery::cli
