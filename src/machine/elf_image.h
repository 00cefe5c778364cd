// SPDX-License-Identifier: Apache-2.0
// A RISC-V ELF executable, checked, as a list of what to place where. Nothing is loaded here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "isa/state.h"

namespace rookery {

using isa::Xlen;

struct ElfSegment {
  u64 va = 0;
  u64 pa = 0;
  u64 memory_bytes = 0;            // file bytes, then zeros
  std::span<const u8> file_bytes;  // points into the file given to parse_elf()
};

struct ElfImage {
  Xlen xlen = Xlen::rv32;
  u64 entry_va = 0;
  std::vector<ElfSegment> segments;  // PT_LOAD with memory, in file order; never empty
  std::optional<u64> tohost;         // addresses of HTIF's symbols
  std::optional<u64> fromhost;
};

bool is_elf(std::span<const u8> file);

// Checks everything that is used later: class, byte order, machine, type, and that each segment
// lies inside the file and does not wrap around. `what` names the file in messages: `kernel
// "vmlinux"`.
Result<ElfImage> parse_elf(std::span<const u8> file, const std::string& what);

}  // namespace rookery
