// SPDX-License-Identifier: Apache-2.0
// The container of a snapshot (machine/snapshot.h): a head, and sections with checksums. What is in
// them is not known here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery::snapshot_sections {

// As PNG's: the first byte is no text's, and a line end that somebody converted shows.
inline constexpr std::string_view kMagic("\x8bROOK\r\n\x1a", 8);
inline constexpr u64 kHeadBytes = 16;
inline constexpr u64 kSectionHeadBytes = 32;
inline constexpr u64 kCheckedHeadBytes = 24;  // of those: all but the checksum itself

enum Section : u32 { kMachine = 1, kState = 2, kIndex = 3, kContents = 4, kEnd = 5, kTyped = 6 };

// Little-endian.
template <class T>
void put(std::vector<u8>& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<u8>(value >> (8 * i)));
}
template <class T>
T get(std::span<const u8> bytes, u64 at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(T{bytes[at + i]} << (8 * i));
  return value;
}

// The head of a file of this version.
std::vector<u8> begin_file(u32 version);

// Appends a section. Errors: out_of_memory.
Result<void> put_section(std::vector<u8>& out, Section kind, std::span<const u8> payload);

// The sections of a snapshot, one after the other. `bytes` has a head, and outlives the reader.
class SectionReader {
 public:
  // `what` names the bytes in messages.
  SectionReader(std::span<const u8> bytes, std::string what)
      : bytes_(bytes), what_(std::move(what)) {}

  // The next section, which has to be of this kind, unpacked: at most so many bytes.
  Result<std::vector<u8>> next(Section kind, u64 max_bytes);
  bool at_end() const { return at_ == bytes_.size(); }

  // About the section that was read last.
  template <class... Args>
  std::unexpected<Error> damaged(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorKind::image, "The {} is damaged at byte {}: {}.", what_, begin_,
                fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::span<const u8> bytes_;
  std::string what_;
  u64 at_ = kHeadBytes;
  u64 begin_ = kHeadBytes;
};

}  // namespace rookery::snapshot_sections
