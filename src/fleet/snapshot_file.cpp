// SPDX-License-Identifier: Apache-2.0
#include "fleet/snapshot_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "base/file.h"

namespace rookery {
namespace {

namespace fs = std::filesystem;

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
  const fs::path folder = fs::path(path).parent_path();
  const int descriptor =
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool good = fsync(descriptor) == 0;
  close(descriptor);
  return good;
}

std::string snapshot_name(const std::string& path) { return fmt::format("snapshot \"{}\"", path); }

// Finds parents, from the nearest on, and remembers where each was: there the next is sought.
class ParentFinder {
 public:
  ParentFinder(const std::string& child, const std::vector<std::string>& named)
      : named_(named), files_{child} {}

  Result<FoundSnapshot> find(const SnapshotParent& wanted, const std::string& child) {
    std::vector<std::string> places;
    for (const fs::path& place : places_of(wanted)) {
      if (std::error_code error; !fs::is_regular_file(place, error)) {
        places.push_back(fmt::format("\"{}\" is no file", place.string()));
        continue;
      }
      auto bytes = read_file(place.string(), "snapshot", kMaxSnapshotBytes);
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      if (const SnapshotId id = snapshot_id(*bytes); id != wanted.id) {
        places.push_back(fmt::format("\"{}\" is another file ({})", place.string(), id.text()));
        continue;
      }
      files_.push_back(place.string());
      return FoundSnapshot{*std::move(bytes), snapshot_name(place.string())};
    }
    if (places.empty()) places.emplace_back("it does not say where that was");
    return fail(ErrorKind::image,
                "The {} holds only what differs from its parent, snapshot {}, which is not to be "
                "found: {}. --parent FILE says where it is.",
                child, wanted.id.text(), fmt::join(places, "; "));
  }

  // The first child's, and those of the parents that were found.
  const std::vector<std::string>& files() const { return files_; }

 private:
  // The named ones, where it was seen from its child, and beside the child.
  std::vector<fs::path> places_of(const SnapshotParent& wanted) const {
    std::vector<fs::path> places(named_.begin(), named_.end());
    const fs::path hint(wanted.path);
    if (!hint.has_filename() || hint.is_absolute()) return places;
    const fs::path folder = fs::path(files_.back()).parent_path();
    places.push_back((folder / hint).lexically_normal());
    if (const fs::path beside = (folder / hint.filename()).lexically_normal();
        beside != places.back())
      places.push_back(beside);
    return places;
  }

  const std::vector<std::string>& named_;
  std::vector<std::string> files_;
};

// Reads a snapshot and its parents.
Result<Snapshot> read_chain(ParentFinder& finder) {
  const std::string path = finder.files().front();
  auto bytes = read_file(path, "snapshot", kMaxSnapshotBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  return parse_snapshot(*bytes, snapshot_name(path),
                        [&](const SnapshotParent& wanted, const std::string& child) {
                          return finder.find(wanted, child);
                        });
}

}  // namespace

Result<ParentFile> ParentFile::open(const std::string& path,
                                    const std::vector<std::string>& parents) {
  ParentFinder finder(path, parents);
  auto snapshot = read_chain(finder);
  if (!snapshot)
    return std::unexpected(
        std::move(snapshot.error()).during("reading the parent of what is to be stored"));
  return ParentFile(*std::move(snapshot), finder.files());
}

Result<SnapshotBase> ParentFile::base_of(const std::string& path) const {
  std::error_code error;
  for (const std::string& file : files_) {
    if (!fs::equivalent(file, path, error)) continue;
    return fail(ErrorKind::usage,
                "\"{}\" is a parent of what is to be stored there: give -o another file.", path);
  }
  const fs::path folder = fs::absolute(path, error).parent_path();
  const fs::path hint = fs::proximate(files_.front(), folder, error);
  return SnapshotBase{snapshot_, error || hint.is_absolute() ? std::string() : hint.string()};
}

Result<u64> write_snapshot(const std::string& path, const Snapshot& snapshot,
                           const ParentFile* parent) {
  std::optional<SnapshotBase> base;
  if (parent != nullptr) {
    auto found = parent->base_of(path);
    if (!found) return std::unexpected(std::move(found.error()));
    base.emplace(*found);
  }
  auto bytes = encode_snapshot(snapshot, base ? &*base : nullptr);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  NewFile file(path);
  if (!file.is_open() || !file.write_all(*bytes) || !file.keep_as(path) || !sync_folder_of(path)) {
    return fail(ErrorKind::io, "Cannot write the snapshot \"{}\": {}.", path, std::strerror(errno));
  }
  return bytes->size();
}

Result<Snapshot> read_snapshot(const std::string& path, const std::vector<std::string>& parents) {
  ParentFinder finder(path, parents);
  return read_chain(finder);
}

}  // namespace rookery
