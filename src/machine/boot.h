// SPDX-License-Identifier: Apache-2.0
// From files to a machine that is about to execute its first instruction: reads and checks images,
// decides where they lie, builds or checks the device tree, and makes the first state.
//
// Layout, from RAM's base (0x8000_0000) upwards:
//   firmware (--bios) at the base; the kernel at the base + its Image header's text offset (4 MiB
//   on RV32, 2 MiB on RV64, 0 for a kernel built for M-mode); bare and ELF images where they are
//   linked.
// and from RAM's end downwards:
//   the device tree, 64 KiB of room or its own size; below it, with firmware, one page holding
//   fw_dynamic_info; below that the initrd, at a page boundary.
// Nothing overlaps, or plan_boot() says what does. Every size in a file is checked: images are
// untrusted.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"
#include "machine/config.h"

namespace rookery {

// The contents of MachineConfig's files, unpacked if they were zstd. Empty: not given.
struct BootFiles {
  std::vector<u8> kernel;
  std::vector<u8> initrd;
  std::vector<u8> dtb;
  std::vector<u8> firmware;
  std::vector<u8> bare;
};

struct BootPiece {
  u32 pa = 0;
  std::vector<u8> bytes;
};

// All that a machine is reset to. Immutable once planned.
struct BootImage {
  Xlen xlen = Xlen::rv32;
  u64 ram_bytes = 0;
  BootLayout layout;
  std::vector<BootPiece> pieces;  // disjoint, inside RAM
};

// Opens what `config` names. --bios none reads nothing.
Result<BootFiles> read_boot_files(const MachineConfig& config);

// The width the images are for, as far as they tell (ELF class, Image text offset).
std::optional<Xlen> guess_xlen(const BootFiles& files);

// Checks and places everything for a machine of config.xlen and config.ram_bytes.
Result<BootImage> plan_boot(const MachineConfig& config, BootFiles files);

// Hart 0 at the entry point, as the boot protocol of `image.layout.mode` wants it.
isa::MachineState initial_state(const BootImage& image);

// Puts the pieces into the RAM of every machine of a fresh engine and sets the first state.
Result<void> load_boot_image(Engine& engine, const BootImage& image);

// "64M", "1G", "65536K", "67108864B"; a plain number counts MiB, as in QEMU's -m.
Result<u64> parse_memory_size(std::string_view text);

}  // namespace rookery
