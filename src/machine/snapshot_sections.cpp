// SPDX-License-Identifier: Apache-2.0
#include "machine/snapshot_sections.h"

#include <algorithm>

#include <xxhash.h>
#include <zstd.h>

namespace rookery::snapshot_sections {
namespace {

constexpr int kLevel = 3;

// Of a section at offset `at`: its head without the checksum, and what is stored.
u64 checksum_of(std::span<const u8> head, std::span<const u8> stored, u64 at) {
  std::vector<u8> checked(head.begin(), head.end());
  checked.insert(checked.end(), stored.begin(), stored.end());
  return XXH3_64bits_withSeed(checked.data(), checked.size(), at);
}

}  // namespace

std::vector<u8> begin_file(u32 version) {
  std::vector<u8> out(kMagic.begin(), kMagic.end());
  put<u32>(out, version);
  put<u32>(out, 0);
  return out;
}

Result<void> put_section(std::vector<u8>& out, Section kind, std::span<const u8> payload) {
  std::vector<u8> stored(ZSTD_compressBound(payload.size()));
  const std::size_t size =
      ZSTD_compress(stored.data(), stored.size(), payload.data(), payload.size(), kLevel);
  if (ZSTD_isError(size) != 0u)
    return fail(ErrorKind::out_of_memory, "No memory to compress a snapshot: {}.",
                ZSTD_getErrorName(size));
  stored.resize(size);
  const u64 at = out.size();
  put<u32>(out, kind);
  put<u32>(out, 0);
  put<u64>(out, stored.size());
  put<u64>(out, payload.size());
  put<u64>(out, checksum_of(std::span(out).subspan(at), stored, at));
  out.insert(out.end(), stored.begin(), stored.end());
  return {};
}

Result<std::vector<u8>> SectionReader::next(Section kind, u64 max_bytes) {
  begin_ = at_;
  if (bytes_.size() - at_ < kSectionHeadBytes)
    return damaged("it breaks off in front of a section of kind {}", static_cast<u32>(kind));
  const u32 found = get<u32>(bytes_, at_);
  const u64 stored = get<u64>(bytes_, at_ + 8);
  const u64 unpacked = get<u64>(bytes_, at_ + 16);
  const u64 checksum = get<u64>(bytes_, at_ + kCheckedHeadBytes);
  const u64 left = bytes_.size() - at_ - kSectionHeadBytes;
  if (stored > left)
    return damaged("a section of {} bytes begins there, and {} are left", stored, left);
  const std::span<const u8> payload = bytes_.subspan(at_ + kSectionHeadBytes, stored);
  const u64 present = checksum_of(bytes_.subspan(at_, kCheckedHeadBytes), payload, at_);
  if (present != checksum)
    return damaged("the section there has checksum {:016x} and should have {:016x}", present,
                   checksum);
  if (found != kind)
    return damaged("a section of kind {} stands there instead of {}", found,
                   static_cast<u32>(kind));
  if (unpacked > max_bytes)
    return damaged("a section of {} bytes stands there, where {} are the limit", unpacked,
                   max_bytes);
  std::vector<u8> out(unpacked);
  const std::size_t made = ZSTD_decompress(out.data(), out.size(), payload.data(), payload.size());
  if (ZSTD_isError(made) != 0u || made != unpacked)
    return damaged("the section there does not unpack to its {} bytes", unpacked);
  at_ += kSectionHeadBytes + stored;
  return out;
}

}  // namespace rookery::snapshot_sections
