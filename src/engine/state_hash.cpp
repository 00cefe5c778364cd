// SPDX-License-Identifier: Apache-2.0
#include "engine/state_hash.h"

#include <cstring>

#include <xxhash.h>

namespace rookery {

u64 hash_state(const isa::MachineState& state) {
  return std::visit(
      [](auto copy) {
        copy.machine.run_state = 0;
        copy.machine.exit_arg0 = 0;
        copy.machine.exit_arg1 = 0;
        copy.machine.wfi_exits = 0;
        const auto words = copy.words();
        return static_cast<u64>(XXH3_64bits(words.data(), words.size_bytes()));
      },
      state);
}

u64 hash_page(u64 page_number, std::span<const u8, isa::PAGE_BYTES> page) {
  // All zeros: the first byte is, and each equals the next.
  if (page[0] == 0 && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0) return 0;
  return XXH3_64bits_withSeed(page.data(), page.size(), page_number);
}

u64 hash_ram(std::span<const u8> ram) {
  u64 sum = 0;
  for (u64 page = 0; page < ram.size() / isa::PAGE_BYTES; ++page) {
    sum += hash_page(page, ram.subspan(page * isa::PAGE_BYTES).first<isa::PAGE_BYTES>());
  }
  return sum;
}

}  // namespace rookery
