// SPDX-License-Identifier: Apache-2.0
// The image.json of a bootable image: which files it has and what it boots with. guest/build writes
// those in images/; docs/guests.md says what one holds.
#pragma once

#include <string>

#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"

namespace rookery {

struct ImageDescription {
  Xlen xlen = Xlen::rv32;
  std::string kernel_path;
  std::string initrd_path;   // empty: it has none
  std::string command_line;  // empty: none is stated
  u64 ram_bytes = 0;         // 0: not stated
};

// Reads the image.json at `path`. The files that it names lie in its folder; they are not opened.
// Errors: io, or image for a description that cannot be understood.
Result<ImageDescription> read_image_description(const std::string& path);

}  // namespace rookery
