// SPDX-License-Identifier: Apache-2.0
// Makes ELF files and Linux Images in memory, right ones and, by overwriting bytes, wrong ones.
#pragma once

#include <string>
#include <vector>

#include <elf.h>

#include "base/types.h"

namespace rookery::test {

// Copies a value's bytes over `bytes` at `offset`; the file grows if it must.
template <class T>
void put(std::vector<u8>& bytes, std::size_t offset, T value) {
  if (bytes.size() < offset + sizeof(T)) bytes.resize(offset + sizeof(T));
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[offset + i] = static_cast<u8>(static_cast<u64>(value) >> (8 * i));
  }
}

struct SegmentSpec {
  u64 va = 0x80000000;
  u64 pa = 0x80000000;
  std::vector<u8> bytes = {0x13, 0, 0, 0};  // nop
  u64 memory_bytes = 0;                     // 0: as many as `bytes`
};

struct SymbolSpec {
  std::string name;
  u64 address = 0;
};

// A 32-bit RISC-V executable: header, program headers, segments, and a symbol table if there are
// symbols.
std::vector<u8> make_elf32(u32 entry, const std::vector<SegmentSpec>& segments,
                           const std::vector<SymbolSpec>& symbols = {});

// The same, 64-bit, without symbols.
std::vector<u8> make_elf64(u64 entry, const std::vector<SegmentSpec>& segments);

// A Linux Image of `bytes` bytes in all, 64 at least.
std::vector<u8> make_linux_image(u64 text_offset, std::size_t bytes, u64 image_bytes);

}  // namespace rookery::test
