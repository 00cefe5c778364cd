// SPDX-License-Identifier: Apache-2.0
#include "machine/command_line.h"

#include <algorithm>
#include <cstring>

#include <libfdt.h>

namespace rookery {
namespace {

// More than any device tree with its command line has.
constexpr u64 kMostBytes = 64 * kKiB;

// What the image has from there on, up to the end of RAM.
std::vector<u8> bytes_from(const BootImage& image, u32 pa, u64 most) {
  std::vector<u8> bytes(std::min<u64>(most, isa::RAM_BASE + image.ram_bytes - pa));
  const u64 end = pa + bytes.size();
  for (const BootPiece& piece : image.pieces) {
    const u64 from = std::max<u64>(pa, piece.pa);
    const u64 to = std::min<u64>(end, piece.pa + piece.bytes.size());
    if (from >= to) continue;
    std::memcpy(bytes.data() + (from - pa), piece.bytes.data() + (from - piece.pa), to - from);
  }
  return bytes;
}

}  // namespace

Result<std::vector<WordChange>> change_command_line(const BootImage& image,
                                                    const std::string& command_line) {
  const BootLayout& layout = image.layout;
  if (layout.dtb_bytes == 0 || layout.dtb_pa < isa::RAM_BASE ||
      layout.dtb_pa - isa::RAM_BASE >= image.ram_bytes)
    return fail(ErrorKind::usage, "The machine has no device tree for a command line.");
  const std::vector<u8> around = bytes_from(image, layout.dtb_pa, kMostBytes);
  const std::span<const u8> tree =
      std::span(around).first(std::min<u64>(layout.dtb_bytes, around.size()));
  const auto behind = std::find_if(around.begin() + static_cast<std::ptrdiff_t>(tree.size()),
                                   around.end(), [](u8 byte) { return byte != 0; });
  std::vector<u8> larger(static_cast<u64>(behind - around.begin()));
  int error = fdt_check_full(tree.data(), tree.size());
  if (error == 0)
    error = fdt_open_into(tree.data(), larger.data(), static_cast<int>(larger.size()));
  if (error == 0) {
    const int chosen = fdt_path_offset(larger.data(), "/chosen");
    error = chosen < 0
                ? chosen
                : fdt_setprop_string(larger.data(), chosen, "bootargs", command_line.c_str());
  }
  if (error == 0) error = fdt_pack(larger.data());
  if (error != 0) {
    return fail(ErrorKind::usage,
                "A command line of {} bytes cannot be put into the device tree: {}.",
                command_line.size(), fdt_strerror(error));
  }
  larger.resize(std::max<u64>(fdt_totalsize(larger.data()), tree.size()));
  std::vector<WordChange> changes;
  for (u64 at = 0; at < larger.size(); at += 4) {
    u32 was = 0;
    u32 is = 0;
    const u64 count = std::min<u64>(4, larger.size() - at);
    std::memcpy(&was, around.data() + at, count);
    std::memcpy(&is, larger.data() + at, count);
    if (was != is) changes.push_back({0, layout.dtb_pa + static_cast<u32>(at), 0, is});
  }
  return changes;
}

}  // namespace rookery
