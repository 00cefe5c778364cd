// SPDX-License-Identifier: Apache-2.0
#include "gpu/dawn/pipeline_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <xxhash.h>

namespace rookery::gpu {

namespace {

namespace fs = std::filesystem;

constexpr u64 kMaxFolderBytes = 256ull << 20;
constexpr u64 kMaxBlobBytes = 64ull << 20;
constexpr std::string_view kSuffix = ".pipeline";

// The start of a file; the key and the blob follow.
struct FileHead {
  char magic[8] = {'R', 'O', 'O', 'K', 'P', 'I', 'P', '1'};
  u64 key_bytes = 0;
  u64 blob_bytes = 0;
  u64 checksum = 0;  // XXH3 of key and blob
};

u64 checksum_of(std::span<const u8> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace

PipelineCache::PipelineCache(std::string folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) {
    folder_.clear();
    return;
  }
  remove_oldest();
}

std::string PipelineCache::default_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::string(cache) + "/rookery";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.cache/rookery";
  }
  return {};
}

std::string PipelineCache::path_of(std::span<const u8> key) const {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return fmt::format("{}/{:016x}{:016x}{}", folder_, u64{hash.high64}, u64{hash.low64}, kSuffix);
}

std::size_t PipelineCache::load(std::span<const u8> key, std::span<u8> out) {
  std::ifstream file(path_of(key), std::ios::binary);
  FileHead head;
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head)) return 0;
  if (std::memcmp(head.magic, FileHead{}.magic, sizeof head.magic) != 0) return 0;
  if (head.key_bytes != key.size() || head.blob_bytes == 0 || head.blob_bytes > kMaxBlobBytes)
    return 0;

  std::vector<u8> bytes(head.key_bytes + head.blob_bytes);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
    return 0;
  if (checksum_of(bytes) != head.checksum || !std::equal(key.begin(), key.end(), bytes.begin()))
    return 0;
  if (out.size() >= head.blob_bytes) {
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(head.key_bytes), bytes.end(),
              out.begin());
    ++hits_;
  }
  return head.blob_bytes;
}

void PipelineCache::store(std::span<const u8> key, std::span<const u8> blob) {
  ++stores_;
  if (blob.empty() || blob.size() > kMaxBlobBytes) return;
  std::vector<u8> bytes(key.begin(), key.end());
  bytes.insert(bytes.end(), blob.begin(), blob.end());
  FileHead head;
  head.key_bytes = key.size();
  head.blob_bytes = blob.size();
  head.checksum = checksum_of(bytes);

  const std::string path = path_of(key);
  const std::string unfinished = fmt::format("{}.{}", path, getpid());
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(&head), sizeof head);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code failed;
  if (file) fs::rename(unfinished, path, failed);
  if (!file || failed) fs::remove(unfinished, failed);
}

void PipelineCache::remove_oldest() const {
  struct Entry {
    fs::file_time_type written;
    u64 bytes;
    fs::path path;
  };
  std::vector<Entry> entries;
  u64 total = 0;
  std::error_code failed;
  for (fs::directory_iterator file(folder_, failed), end; !failed && file != end;
       file.increment(failed)) {
    std::error_code gone;
    const u64 bytes = file->file_size(gone);
    const fs::file_time_type written = file->last_write_time(gone);
    if (gone || file->path().native().find(kSuffix) == std::string::npos) continue;
    entries.push_back({written, bytes, file->path()});
    total += bytes;
  }
  std::ranges::sort(entries, {}, &Entry::written);
  for (const Entry& entry : entries) {
    if (total <= kMaxFolderBytes) return;
    fs::remove(entry.path, failed);
    total -= entry.bytes;
  }
}

}  // namespace rookery::gpu
