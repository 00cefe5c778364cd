// SPDX-License-Identifier: Apache-2.0
// What one machine is made of and what it boots: plain data, filled by the CLI (or the page),
// checked by plan_boot() in machine/boot.h. Paths are only names here; nothing in this file touches
// a file.
#pragma once

#include <string>

#include "base/types.h"
#include "engine/engine.h"

namespace rookery {

inline constexpr u64 kKiB = 1024;
inline constexpr u64 kMiB = 1024 * kKiB;
inline constexpr u64 kGiB = 1024 * kMiB;

inline constexpr u64 kDefaultRamBytes = 64 * kMiB;

struct MachineConfig {
  Xlen xlen = Xlen::rv32;
  u64 ram_bytes = kDefaultRamBytes;
  std::string append;  // the kernel's command line (/chosen/bootargs)

  std::string kernel_path;  // Linux Image or ELF; each of these files may be zstd-compressed
  std::string initrd_path;
  std::string dtb_path;   // empty: the device tree is built from this machine
  std::string bios_path;  // empty: the machine answers the SBI itself; "none": M-mode kernel
  std::string bare_path;  // a bare ELF; excludes all of the above
};

// Who is in charge in M-mode when the machine starts.
enum class BootMode {
  sbi,       // the machine itself answers the SBI; the kernel starts in S-mode
  firmware,  // M-mode firmware (--bios) starts, and finds the kernel through fw_dynamic_info
  m_mode,    // a kernel built for M-mode starts there; no SBI
  bare,      // a bare ELF starts in M-mode; `tohost` ends it
};

// Where everything lies in guest physical memory. A range of no bytes does not exist.
struct BootLayout {
  BootMode mode = BootMode::sbi;
  u32 entry_pa = 0;  // where hart 0 starts
  u32 kernel_pa = 0;
  u32 kernel_bytes = 0;  // what it occupies once running (bss included)
  u32 firmware_pa = 0;
  u32 firmware_bytes = 0;
  u32 initrd_pa = 0;
  u32 initrd_bytes = 0;
  u32 dtb_pa = 0;
  u32 dtb_bytes = 0;        // room for it while it is built, its size afterwards
  u32 dynamic_info_pa = 0;  // fw_dynamic_info for --bios, else 0
  u32 tohost_pa = 0;        // HTIF mailbox of a bare ELF, else 0
  u32 fromhost_pa = 0;
};

}  // namespace rookery
