// SPDX-License-Identifier: Apache-2.0
// Snapshots as files, whole and as differences from others. The format is machine/snapshot.h's.
// Errors: io, or image with what is wrong in which file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "machine/snapshot.h"

namespace rookery {

// A snapshot that others are stored as differences from.
class ParentFile {
 public:
  static Result<ParentFile> open(const std::string& path, const std::vector<std::string>& parents);

  // What a child at `path` differs from. Refused: it would replace what it needs.
  Result<SnapshotBase> base_of(const std::string& path) const;

 private:
  ParentFile(Snapshot snapshot, std::vector<std::string> files)
      : snapshot_(std::move(snapshot)), files_(std::move(files)) {}

  Snapshot snapshot_;
  std::vector<std::string> files_;  // its own, its parent's, ...
};

// Writes a file beside `path`, and puts it into its place when all of it is on the disk: whatever
// happens, `path` is what it was or the whole snapshot. Gives its size. `parent` may be null.
Result<u64> write_snapshot(const std::string& path, const Snapshot& snapshot,
                           const ParentFile* parent = nullptr);

// Reads and checks all of `path`. Its parents, if it has any, are among the files `parents`, or
// where their children say, or beside those.
Result<Snapshot> read_snapshot(const std::string& path,
                               const std::vector<std::string>& parents = {});

}  // namespace rookery
