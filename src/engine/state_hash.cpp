// SPDX-License-Identifier: Apache-2.0
#include "engine/state_hash.h"

#include <cstring>

#include <xxhash.h>

namespace rookery {
namespace {

StateHash hash_bytes(u32 number, std::span<const u8> bytes) {
  return {XXH32(bytes.data(), bytes.size(), kHashSeeds[0] + number),
          XXH32(bytes.data(), bytes.size(), kHashSeeds[1] + number)};
}

}  // namespace

std::array<u32, 4> host_words(isa::Xlen xlen) {
  return std::visit(
      [](const auto& state) {
        const auto& row = state.machine;
        const auto index = [&](const u32& field) {
          return static_cast<u32>(&field - state.words().data());
        };
        return std::array{index(row.run_state), index(row.exit_arg0), index(row.exit_arg1),
                          index(row.wfi_exits)};
      },
      isa::make_state(xlen));
}

StateHash hash_state(const isa::MachineState& state) {
  const std::array<u32, 4> ignored = host_words(isa::xlen_of(state));
  return std::visit(
      [&](auto copy) {
        const std::span<u32> words = copy.words();
        for (const u32 word : ignored) words[word] = 0;
        return hash_bytes(kStateNumber,
                          {reinterpret_cast<const u8*>(words.data()), words.size_bytes()});
      },
      state);
}

StateHash hash_page(u32 page_number, std::span<const u8, isa::PAGE_BYTES> page) {
  // All zeros: the first byte is, and each equals the next.
  if (page[0] == 0 && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0) return {};
  return hash_bytes(page_number, page);
}

StateHash hash_ram(std::span<const u8> ram) {
  StateHash sum;
  for (u32 page = 0; page < ram.size() / isa::PAGE_BYTES; ++page) {
    sum += hash_page(page, ram.subspan(u64{page} * isa::PAGE_BYTES).first<isa::PAGE_BYTES>());
  }
  return sum;
}

}  // namespace rookery
