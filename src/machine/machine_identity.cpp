// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_identity.h"

#include <xxhash.h>

#include "base/file.h"

namespace rookery {
namespace {

RecordedImage describe(const std::string& path, std::span<const u8> bytes) {
  if (bytes.empty()) return {};
  return {path, bytes.size(), XXH3_64bits(bytes.data(), bytes.size())};
}

// "17 bytes, XXH3 0123456789abcdef, from \"Image\"".
std::string image_text(const RecordedImage& image) {
  if (image.bytes == 0) return "none";
  std::string text = fmt::format("{} bytes, XXH3 {:016x}", image.bytes, image.xxh3);
  if (!image.path.empty()) text += fmt::format(", from \"{}\"", image.path);
  return text;
}

std::string snapshot_text(const std::optional<RecordedSnapshot>& snapshot) {
  if (!snapshot) return "none";
  return fmt::format("{}, from \"{}\"", snapshot->id.text(), snapshot->path);
}

Result<void> differs(std::string_view what, std::string_view recorded, std::string_view present) {
  return fail(ErrorKind::image,
              "The recording is of another machine: its {} was {}, and here it is {}.", what,
              recorded, present);
}

}  // namespace

RecordedMachine describe_files(const MachineConfig& config, const BootFiles& files) {
  RecordedMachine machine;
  machine.xlen_bits = static_cast<u32>(config.xlen);
  machine.ram_bytes = config.ram_bytes;
  machine.append = config.append;
  const bool has_firmware = !files.firmware.empty();
  machine.bios = has_firmware ? "" : config.bios_path;
  machine.kernel = describe(config.kernel_path, files.kernel);
  machine.initrd = describe(config.initrd_path, files.initrd);
  machine.firmware = describe(config.bios_path, files.firmware);
  machine.bare = describe(config.bare_path, files.bare);
  machine.device_tree.path = config.dtb_path;
  return machine;
}

void describe_image(RecordedMachine& machine, const BootImage& image) {
  const MachineState state = initial_state(image);
  u64 hash = std::visit(
      [](const auto& s) {
        return static_cast<u64>(XXH3_64bits(s.words().data(), s.words().size_bytes()));
      },
      state);
  for (const BootPiece& piece : image.pieces) {
    hash = XXH3_64bits_withSeed(piece.bytes.data(), piece.bytes.size(), hash + piece.pa);
    if (image.layout.dtb_bytes != 0 && piece.pa == image.layout.dtb_pa)
      machine.device_tree = describe(machine.device_tree.path, piece.bytes);
  }
  machine.start_xxh3 = hash;
}

RecordedMachine describe_resumed(const Snapshot& snapshot, const std::string& path) {
  RecordedMachine machine;
  machine.xlen_bits = static_cast<u32>(snapshot.image.xlen);
  machine.ram_bytes = snapshot.image.ram_bytes;
  machine.snapshot = {path, snapshot.source.id};
  return machine;
}

Result<void> check_same_machine(const RecordedMachine& recorded, const RecordedMachine& present) {
  if (recorded.xlen_bits != present.xlen_bits)
    return differs("width", fmt::format("RV{}", recorded.xlen_bits),
                   fmt::format("RV{}", present.xlen_bits));
  if (recorded.ram_bytes != present.ram_bytes)
    return differs("RAM", size_text(recorded.ram_bytes), size_text(present.ram_bytes));

  const auto is_from = [](const RecordedMachine& machine) {
    return machine.snapshot ? std::optional(machine.snapshot->id) : std::nullopt;
  };
  if (is_from(recorded) != is_from(present))
    return differs("snapshot", snapshot_text(recorded.snapshot), snapshot_text(present.snapshot));

  struct Part {
    std::string_view name;
    const RecordedImage RecordedMachine::*image;
  };
  constexpr Part kImages[] = {{"bare program", &RecordedMachine::bare},
                              {"kernel", &RecordedMachine::kernel},
                              {"initrd", &RecordedMachine::initrd},
                              {"firmware", &RecordedMachine::firmware}};
  const auto same = [](const RecordedImage& a, const RecordedImage& b) {
    return a.bytes == b.bytes && a.xxh3 == b.xxh3;
  };
  for (const Part& part : kImages) {
    const RecordedImage& before = recorded.*part.image;
    const RecordedImage& now = present.*part.image;
    if (!same(before, now)) return differs(part.name, image_text(before), image_text(now));
  }
  if (recorded.bios != present.bios)
    return differs("--bios", fmt::format("\"{}\"", recorded.bios),
                   fmt::format("\"{}\"", present.bios));
  if (recorded.append != present.append)
    return differs("kernel command line", fmt::format("\"{}\"", recorded.append),
                   fmt::format("\"{}\"", present.append));
  if (!same(recorded.device_tree, present.device_tree))
    return differs("device tree", image_text(recorded.device_tree),
                   image_text(present.device_tree));
  if (recorded.start_xxh3 != present.start_xxh3)
    return differs("first state",
                   fmt::format("{:016x} (by {})", recorded.start_xxh3, recorded.program),
                   fmt::format("{:016x} (by {})", present.start_xxh3, present.program));
  return {};
}

}  // namespace rookery
