// SPDX-License-Identifier: Apache-2.0
// A whole machine as bytes: what it is reset to, and, if it has run, where it stands: all of its
// state and RAM. Taken from any engine, continued on any engine. Bytes in, bytes out: files are the
// caller's.
//
//   8 bytes   magic
//   4 bytes   format version, little-endian, and 4 bytes of 0
//   sections  the machine; if it has run, its state and what was typed; the pages' index, their
//             contents, the end
//
// A section:
//   4 bytes   kind, and 4 bytes of 0
//   8 bytes   size stored
//   8 bytes   size unpacked
//   8 bytes   XXH3 of the three above and of what is stored, seeded by the section's offset
//   stored    a zstd frame
//
// The machine is JSON: its width, RAM, layout (machine/config.h), counts, and remarks for people.
// The state is State<xlen>::words(), whose layout has a hash in the JSON: a program whose
// isa/state.def differs refuses it. What was typed is as it was, for the UART. The index names the
// pages of RAM that are not zero, of the image and of now, and for each its content: equal pages
// are stored once. Contents come in pieces of kPagesPerPiece. One byte changed anywhere, moved,
// taken out or put in is noticed.
//
// A differential one names its parent in the JSON, by the XXH3-128 of all of the parent's bytes:
// that is its identity, its path a hint for whoever looks for it. Its index names the pages alone
// that differ from the parent's; 0xffff_ffff as content: zeros now. The pages of now differ from
// the parent's now, or, if that has not run, from its image. A parent may have a parent: its
// identity covers that too, so no chain ends where it began.
//
// Version 1, which is read, had neither parents nor what was typed.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "machine/boot.h"
#include "machine/input_source.h"

namespace rookery {

// Apart from the program's version: it changes with the format alone.
inline constexpr u32 kSnapshotVersion = 2;
inline constexpr u32 kOldestSnapshotVersion = 1;
inline constexpr u64 kMaxSnapshotParents = 16;  // one above the other

// Of a snapshot's bytes.
struct SnapshotId {
  u64 high = 0;
  u64 low = 0;

  friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
  std::string text() const;  // 32 digits
};

SnapshotId snapshot_id(std::span<const u8> bytes);

struct SnapshotParent {
  SnapshotId id;
  std::string path;  // where it was, seen from the child's folder; may be empty. Not to be trusted
};

// What a parsed snapshot's bytes were.
struct SnapshotSource {
  u32 version = kSnapshotVersion;
  SnapshotId id;
  std::vector<SnapshotParent> parents;  // its parent, that one's parent, ...; none: it is whole
  u64 own_pages = 0;                    // that these bytes alone hold, and no parent's
};

struct Snapshot {
  BootImage image;  // what the machine is reset to
  // Where it stands: its state and all pages that are not zero. Empty: it has not run.
  std::optional<Checkpoint> now;
  PendingInput pending;  // typed, and not in the UART yet
  u64 instructions = 0;  // over all reboots

  // For people.
  std::string program;       // "rookery 0.1.0"
  std::string engine;        // that it was taken from
  std::string command_line;  // of the kernel

  SnapshotSource source;  // of one that was parsed
};

// What a differential snapshot differs from.
struct SnapshotBase {
  const Snapshot& snapshot;  // parsed
  std::string path;          // SnapshotParent::path
};

// Whole, or, with a base, what differs from that. Errors: out_of_memory; usage: the base is another
// machine or has kMaxSnapshotParents above it, or too much was typed.
Result<std::vector<u8>> encode_snapshot(const Snapshot& snapshot,
                                        const SnapshotBase* base = nullptr);

// A parent's bytes, and what to call them: "snapshot \"a.rook\"".
struct FoundSnapshot {
  std::vector<u8> bytes;
  std::string what;
};
// Finds the parent of the snapshot called `child`. Called for the nearest first.
using FindParent =
    std::function<Result<FoundSnapshot>(const SnapshotParent& wanted, const std::string& child)>;

// `what` names the bytes in messages: "snapshot \"a.rook\"". Errors are of kind `image` and name
// the offset of what is wrong, or are `find_parent`'s. Without that, none that has a parent is
// read. Whatever the bytes are, it allocates no more than a machine has and four times the bytes,
// for each of the chain.
Result<Snapshot> parse_snapshot(std::span<const u8> bytes, const std::string& what,
                                const FindParent& find_parent = nullptr);

// Whether bytes begin as a snapshot's.
bool is_snapshot(std::span<const u8> bytes);

}  // namespace rookery
