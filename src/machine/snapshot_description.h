// SPDX-License-Identifier: Apache-2.0
// The first section of a snapshot (machine/snapshot.h): what machine it is, as JSON.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "machine/snapshot.h"
#include "machine/snapshot_sections.h"

namespace rookery {

// `parent`: null for a whole one.
std::string describe_snapshot(const Snapshot& snapshot, const SnapshotParent* parent);

struct SnapshotDescription {
  Snapshot snapshot;  // all but its pages, its state and what was typed
  bool has_run = false;
  std::optional<SnapshotParent> parent;
};

// `reader` has read `text`, of a snapshot of this format version, and words the errors.
Result<SnapshotDescription> parse_snapshot_description(
    const snapshot_sections::SectionReader& reader, std::span<const u8> text, u32 version);

}  // namespace rookery
