// SPDX-License-Identifier: Apache-2.0
// A whole machine as bytes: what it is reset to, and, if it has run, where it stands: all of its
// state and RAM. Taken from any engine, continued on any engine. Bytes in, bytes out: files are the
// caller's.
//
//   8 bytes   magic
//   4 bytes   format version, little-endian, and 4 bytes of 0
//   sections  the machine, its state if it has run, the pages' index, their contents, the end
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
// isa/state.def differs refuses it. The index names the pages of RAM that are not zero, of the
// image and of now, and for each its content: equal pages are stored once. Contents come in pieces
// of kPagesPerPiece. One byte changed anywhere, moved, taken out or put in is noticed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "machine/boot.h"

namespace rookery {

// Apart from the program's version: it changes with the format alone.
inline constexpr u32 kSnapshotVersion = 1;

struct Snapshot {
  BootImage image;  // what the machine is reset to
  // Where it stands: its state and all pages that are not zero. Empty: it has not run.
  std::optional<Checkpoint> now;
  u64 instructions = 0;  // over all reboots

  // For people.
  std::string program;       // "rookery 0.1.0"
  std::string engine;        // that it was taken from
  std::string command_line;  // of the kernel
};

// Errors: out_of_memory.
Result<std::vector<u8>> encode_snapshot(const Snapshot& snapshot);

// `what` names the bytes in messages: "snapshot \"a.rook\"". Errors are of kind `image` and name
// the offset of what is wrong. Whatever the bytes are, it allocates no more than a machine has and
// four times the bytes.
Result<Snapshot> parse_snapshot(std::span<const u8> bytes, const std::string& what);

// Whether bytes begin as a snapshot's.
bool is_snapshot(std::span<const u8> bytes);

}  // namespace rookery
