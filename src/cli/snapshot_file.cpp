// SPDX-License-Identifier: Apache-2.0
#include "cli/snapshot_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

namespace rookery::cli {
namespace {

constexpr u64 kMaxSnapshotBytes = 8 * kGiB;

// A file that is gone unless it is kept.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(fmt::format("{}.{}.part", path, getpid())),
        descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {}
  ~NewFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (descriptor_ >= 0 && !kept_) unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  bool write_all(std::span<const u8> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Into the place of `path`, once it is on the disk.
  bool keep_as(const std::string& path) {
    kept_ = fsync(descriptor_) == 0 && std::rename(path_.c_str(), path.c_str()) == 0;
    return kept_;
  }

 private:
  std::string path_;
  int descriptor_;
  bool kept_ = false;
};

// A rename is on the disk when its folder is.
bool sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int descriptor =
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool good = fsync(descriptor) == 0;
  close(descriptor);
  return good;
}

}  // namespace

Result<u64> write_snapshot(const std::string& path, const Snapshot& snapshot) {
  auto bytes = encode_snapshot(snapshot);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  NewFile file(path);
  if (!file.is_open() || !file.write_all(*bytes) || !file.keep_as(path) || !sync_folder_of(path)) {
    return fail(ErrorKind::io, "Cannot write the snapshot \"{}\": {}.", path, std::strerror(errno));
  }
  return bytes->size();
}

Result<Snapshot> read_snapshot(const std::string& path) {
  auto bytes = read_file(path, "snapshot", kMaxSnapshotBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  return parse_snapshot(*bytes, fmt::format("snapshot \"{}\"", path));
}

}  // namespace rookery::cli
