// SPDX-License-Identifier: Apache-2.0
//
// Compiled shaders on disk, so that only the first start of a new version compiles. Dawn asks for
// blobs by an opaque key (which holds the shader, the adapter and the driver, so a blob never fits
// by accident) and stores what it compiled.
//
// One file a blob, named by the hash of its key; a file carries its key and a checksum, so a
// damaged or foreign file is a miss. Files are written beside their place and renamed, so processes
// may share the folder. Every failure is a miss: the worst that a full disk or a read-only home can
// do is a compile.
//
// Threads: load() and store() may be called from any thread. Internal to this folder.
#pragma once

#include <atomic>
#include <span>
#include <string>

#include "base/types.h"

namespace rookery::gpu {

class PipelineCache {
 public:
  // `folder` is made when it is not there; empty switches the cache off.
  explicit PipelineCache(std::string folder);

  // $XDG_CACHE_HOME/rookery, else ~/.cache/rookery, else empty.
  static std::string default_folder();

  bool enabled() const { return !folder_.empty(); }

  // The size of the blob of `key`, which is copied to `out` if it fits; 0: not here.
  std::size_t load(std::span<const u8> key, std::span<u8> out);
  void store(std::span<const u8> key, std::span<const u8> blob);

  u64 hits() const { return hits_; }
  u64 stores() const { return stores_; }

 private:
  std::string path_of(std::span<const u8> key) const;
  void remove_oldest() const;  // down to kMaxFolderBytes

  std::string folder_;
  std::atomic<u64> hits_ = 0;    // blobs handed out
  std::atomic<u64> stores_ = 0;  // blobs taken in, that is, compiled
};

}  // namespace rookery::gpu
