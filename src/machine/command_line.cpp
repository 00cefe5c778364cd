// SPDX-License-Identifier: Apache-2.0
#include "machine/command_line.h"

#include <algorithm>
#include <cstring>

#include <libfdt.h>

namespace rookery {

Result<std::vector<WordChange>> change_command_line(const BootImage& image,
                                                    const std::string& command_line) {
  const auto tree = std::ranges::find(image.pieces, image.layout.dtb_pa, &BootPiece::pa);
  if (image.layout.dtb_bytes == 0 || tree == image.pieces.end())
    return fail(ErrorKind::usage, "The machine has no device tree for a command line.");
  // Up to what lies behind it, or the end of RAM.
  u64 end = isa::RAM_BASE + image.ram_bytes;
  for (const BootPiece& piece : image.pieces) {
    if (piece.pa > tree->pa) end = std::min<u64>(end, piece.pa);
  }
  const u64 room = std::min<u64>(end - tree->pa, 64 * kKiB);
  std::vector<u8> larger(std::max<u64>(room, tree->bytes.size()));
  int error = fdt_open_into(tree->bytes.data(), larger.data(), static_cast<int>(larger.size()));
  if (error == 0) {
    const int chosen = fdt_path_offset(larger.data(), "/chosen");
    error = chosen < 0 ? chosen
                       : fdt_setprop_string(larger.data(), chosen, "bootargs", command_line.c_str());
  }
  if (error == 0) error = fdt_pack(larger.data());
  if (error != 0) {
    return fail(ErrorKind::usage,
                "A command line of {} bytes cannot be put into the device tree: {}.",
                command_line.size(), fdt_strerror(error));
  }
  larger.resize(std::max<u64>(fdt_totalsize(larger.data()), tree->bytes.size()));
  std::vector<u8> before = tree->bytes;
  before.resize(larger.size());
  std::vector<WordChange> changes;
  for (u64 at = 0; at < larger.size(); at += 4) {
    u32 was = 0;
    u32 is = 0;
    const u64 count = std::min<u64>(4, larger.size() - at);
    std::memcpy(&was, before.data() + at, count);
    std::memcpy(&is, larger.data() + at, count);
    if (was != is) changes.push_back({0, tree->pa + static_cast<u32>(at), 0, is});
  }
  return changes;
}

}  // namespace rookery
