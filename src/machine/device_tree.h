// SPDX-License-Identifier: Apache-2.0
// The device tree that tells a guest what machine it is on: QEMU's `virt` board in its slimmest
// form. A kernel pays for every node and property at boot, so it states what this guest can use and
// no more:
//   always            /chosen, /memory, /cpus, and in /soc the PLIC and the UART
//   firmware, M-mode  also the CLINT and the test finisher; for a guest above the machine's own SBI
//                     timer, power-off and reset are there
//   M-mode            also /poweroff and /reboot
//   virtio slots      not while nothing is plugged in
// What that saves of a boot of Linux 6.12 to its shell (14 M instructions in the kernel), counted
// in QEMU: /poweroff, /reboot and the finisher 355,000, the isa properties' newer form 115,000, the
// unused part of the PLIC's registers 75,000. A device writes its own node (src/device); the rest
// is written here. Same arguments, same bytes.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "isa/state.h"
#include "machine/config.h"

namespace rookery {

struct BootArguments {
  isa::Xlen xlen = isa::Xlen::rv32;
  u64 ram_bytes = 0;
  std::string bootargs;  // the kernel's command line; empty: no property
  u64 initrd_start = 0;  // physical; start == end: no initrd
  u64 initrd_end = 0;    // one past its last byte
  BootMode mode = BootMode::sbi;
  bool sstc = true;     // S-mode may use stimecmp
  u64 random_seed = 0;  // becomes the 32 bytes of /chosen/rng-seed
};

// The tree for a machine as described, packed. Fails only when it grows past 1 MiB (bootargs).
Result<std::vector<u8>> build_device_tree(const BootArguments& arguments);

// The same for a planned boot.
Result<std::vector<u8>> build_device_tree(const MachineConfig& config, const BootLayout& layout);

}  // namespace rookery
