// SPDX-License-Identifier: Apache-2.0
// Writes the device tree that Rookery gives to a kernel under firmware, or to one in M-mode, for
// qemu_test.py.
//   dump_device_tree firmware|m_mode RAM_BYTES INITRD_START INITRD_END BOOTARGS > tree.dtb
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "machine/device_tree.h"

int main(int count, char** arguments) {
  const std::string_view mode = count == 6 ? arguments[1] : "";
  if (mode != "firmware" && mode != "m_mode") {
    std::cerr << "Usage: dump_device_tree firmware|m_mode RAM_BYTES INITRD_START INITRD_END "
                 "BOOTARGS\n";
    return 64;
  }
  rookery::BootArguments boot;
  boot.ram_bytes = std::strtoull(arguments[2], nullptr, 0);
  boot.initrd_start = std::strtoull(arguments[3], nullptr, 0);
  boot.initrd_end = std::strtoull(arguments[4], nullptr, 0);
  boot.bootargs = arguments[5];
  boot.mode = mode == "m_mode" ? rookery::BootMode::m_mode : rookery::BootMode::firmware;
  boot.sstc = boot.mode == rookery::BootMode::firmware;
  const auto tree = rookery::build_device_tree(boot);
  if (!tree) {
    std::cerr << tree.error().text() << "\n";
    return 1;
  }
  std::cout.write(reinterpret_cast<const char*>(tree->data()),
                  static_cast<std::streamsize>(tree->size()));
  return 0;
}
