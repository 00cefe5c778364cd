// SPDX-License-Identifier: Apache-2.0
// Recordings as bytes: a machine's description and the events of its journal. Bytes in, bytes out:
// files are the caller's.
//
//   8 bytes   magic
//   4 bytes   format version, little-endian
//   records   until a record of kind `ended`, or until the file breaks off
//
// A record:
//   1 byte    kind
//   2 bytes   size of the payload, little-endian
//   1 byte    the three bytes above and a constant, xor-ed: a damaged size is not taken for a cut
//   payload
//   4 bytes   low half of the XXH3 of all that stands above, seeded by the record's offset
//
// The first record describes the machine. Version 1, which is read, had no snapshots there. Each
// other one begins with the steps made since the one before (or since the reset), as LEB128; so do
// all its numbers but hashes, which are 8 bytes.
//
// A recording that breaks off (a killed process, a full disk) is readable up to its last whole
// record. One byte changed anywhere is noticed, and so is a record moved, taken out or put in.
//
// How to add a kind of record: an event of machine/journal.h, a kind at the end of the list in
// recording.cpp, and a higher kRecordingVersion, which older programs refuse in a sentence.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "machine/journal.h"
#include "machine/snapshot.h"

namespace rookery {

// Apart from the program's version: it changes with the format alone.
inline constexpr u32 kRecordingVersion = 2;
inline constexpr u32 kOldestRecordingVersion = 1;

// A file that a machine was made of, unpacked. No bytes: it was not given.
struct RecordedImage {
  std::string path;  // where it was; a hint, the hash decides
  u64 bytes = 0;
  u64 xxh3 = 0;
  bool operator==(const RecordedImage&) const = default;
};

// The snapshot that a machine went on from.
struct RecordedSnapshot {
  std::string path;  // where it was; a hint, the identity decides
  SnapshotId id;
  bool operator==(const RecordedSnapshot&) const = default;
};

// What machine was recorded: made of images, or gone on from a snapshot, which stands for all of
// them.
struct RecordedMachine {
  u32 xlen_bits = 32;
  u64 ram_bytes = 0;
  std::string append;
  std::string bios;  // "none", or empty
  RecordedImage kernel;
  RecordedImage initrd;
  RecordedImage firmware;
  RecordedImage bare;
  RecordedImage device_tree;  // as the guest finds it; the path is empty if it was built
  u64 start_xxh3 = 0;         // RAM and state before the first instruction
  std::optional<RecordedSnapshot> snapshot;
  std::string program;  // a remark: "rookery 0.1.0"
  std::string engine;   // a remark: "CPU"
  bool operator==(const RecordedMachine&) const = default;
};

struct Recording {
  RecordedMachine machine;
  std::vector<OutsideEvent> events;
  std::string cut;  // empty, or a sentence about where it breaks off
};

// Makes a recording's bytes, a piece at a time.
class RecordingEncoder {
 public:
  explicit RecordingEncoder(const RecordedMachine& machine);

  // Counts must not fall but after a Rebooted; bytes typed at once are at most 64,000.
  void add(const OutsideEvent& event);

  // What was made since the last call, header first.
  std::string take();

 private:
  void append_record(u8 kind, const std::string& payload);

  std::string bytes_;
  u64 offset_ = 0;  // in the recording, of the first of `bytes_`
  u64 icount_ = 0;  // of the last event
};

// Errors are of kind `image` and name the offset of what is wrong.
Result<Recording> parse_recording(std::span<const u8> bytes);

}  // namespace rookery
