// SPDX-License-Identifier: Apache-2.0
// Symbol tables of small files made here, and of the same files with something broken.
#include "debug/symbols.h"

#include <cstddef>
#include <cstring>

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rookery {
namespace {

struct Entry {
  std::string name;
  u32 va;
  u32 bytes;
  u8 type;
  u16 section;
};

constexpr u16 kText = 1;
constexpr u16 kData = 2;
constexpr u32 kTextVa = 0x80000000;
constexpr u32 kTextBytes = 0x100;
constexpr u32 kDataVa = 0x80001000;

template <class T>
void append(std::vector<u8>& bytes, const T& value) {
  const auto* begin = reinterpret_cast<const u8*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

// An RV32 executable of a .text, a .data and these symbols, with nothing in its sections.
std::vector<u8> file_with(const std::vector<Entry>& entries) {
  std::vector<u8> symbols(sizeof(Elf32_Sym));
  std::string names(1, '\0');
  for (const Entry& entry : entries) {
    Elf32_Sym symbol{};
    symbol.st_name = static_cast<u32>(names.size());
    symbol.st_value = entry.va;
    symbol.st_size = entry.bytes;
    symbol.st_info = entry.type;
    symbol.st_shndx = entry.section;
    append(symbols, symbol);
    names += entry.name + '\0';
  }
  const u32 symbols_at = sizeof(Elf32_Ehdr);
  const u32 names_at = symbols_at + static_cast<u32>(symbols.size());
  const u32 sections_at = (names_at + static_cast<u32>(names.size()) + 3) & ~3u;
  Elf32_Ehdr header{};
  std::memcpy(header.e_ident,
              "\x7f"
              "ELF\1\1\1",
              7);
  header.e_type = ET_EXEC;
  header.e_machine = 243;
  header.e_version = EV_CURRENT;
  header.e_shoff = sections_at;
  header.e_ehsize = sizeof(Elf32_Ehdr);
  header.e_shentsize = sizeof(Elf32_Shdr);
  header.e_shnum = 5;
  std::vector<u8> bytes;
  append(bytes, header);
  bytes.insert(bytes.end(), symbols.begin(), symbols.end());
  bytes.insert(bytes.end(), names.begin(), names.end());
  bytes.resize(sections_at);
  const auto section = [&](u32 type, u32 flags, u32 va, u32 offset, size_t size, u32 link,
                           u32 entry) {
    append(bytes,
           Elf32_Shdr{0, type, flags, va, offset, static_cast<u32>(size), link, 1, 4, entry});
  };
  section(SHT_NULL, 0, 0, 0, 0, 0, 0);
  section(SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, kTextVa, 0, kTextBytes, 0, 0);
  section(SHT_NOBITS, SHF_ALLOC | SHF_WRITE, kDataVa, 0, 16, 0, 0);
  section(SHT_SYMTAB, 0, 0, symbols_at, symbols.size(), 4, sizeof(Elf32_Sym));
  section(SHT_STRTAB, 0, 0, names_at, names.size(), 0, 0);
  return bytes;
}

// In no order: a function with a label inside, one without a size, one that says too much.
std::vector<u8> kernel() {
  return file_with({{"last", kTextVa + 0x80, 0x1000, STT_FUNC, kText},
                    {"_start", kTextVa, 0, STT_NOTYPE, kText},
                    {"main", kTextVa + 0x20, 0x40, STT_FUNC, kText},
                    {"inside", kTextVa + 0x30, 8, STT_FUNC, kText},
                    {"counter", kDataVa + 4, 4, STT_OBJECT, kData},
                    {"$xrv32i2p1", kTextVa, 0, STT_NOTYPE, kText},
                    {".L3", kTextVa + 8, 0, STT_NOTYPE, kText},
                    {"outside", kTextVa - 4, 0, STT_FUNC, kText},
                    {"absolute", kTextVa, 0, STT_NOTYPE, SHN_ABS},
                    {"undefined", 0, 0, STT_NOTYPE, SHN_UNDEF}});
}

TEST(Symbols, NamesAndAddresses) {
  const auto table = SymbolTable::parse(kernel(), "kernel");
  ASSERT_TRUE(table) << table.error().text();
  std::vector<std::string> names;
  for (const Symbol& symbol : table->symbols()) names.push_back(symbol.name);
  EXPECT_THAT(names, testing::ElementsAre("_start", "main", "inside", "last", "counter"));
  EXPECT_EQ(table->find("_start")->bytes, 0x20u);
  EXPECT_EQ(table->find("main")->last_va(), kTextVa + 0x5f);
  EXPECT_EQ(table->find("last")->last_va(), kTextVa + kTextBytes - 1);
  EXPECT_FALSE(table->find("counter")->is_code);
  EXPECT_EQ(table->find("no such symbol"), nullptr);

  EXPECT_EQ(table->describe(kTextVa), "_start");
  EXPECT_EQ(table->describe(kTextVa + 0x1c), "_start+0x1c");
  EXPECT_EQ(table->describe(kTextVa + 0x30), "inside");
  EXPECT_EQ(table->describe(kTextVa + 0x38), "main+0x18");
  EXPECT_EQ(table->describe(kTextVa + 0x60), "");
  EXPECT_EQ(table->describe(kTextVa + kTextBytes), "");
  EXPECT_EQ(table->describe(kDataVa + 4), "");
  EXPECT_EQ(table->code_at(kTextVa - 1), nullptr);
  EXPECT_EQ(table->code_at(~u64{0}), nullptr);
}

TEST(Symbols, WhatIsRefused) {
  const std::vector<u8> text = {'h', 'e', 'l', 'l', 'o'};
  EXPECT_EQ(SymbolTable::parse(text, "file \"x\"").error().message,
            "The file \"x\" is not an ELF file.");
  std::vector<u8> other = kernel();
  other[offsetof(Elf32_Ehdr, e_machine)] = 62;
  EXPECT_THAT(SymbolTable::parse(other, "kernel").error().message,
              testing::HasSubstr("its ELF machine is 62, 243 is needed"));
  EXPECT_THAT(SymbolTable::parse(file_with({}), "kernel").error().message,
              testing::HasSubstr("The kernel has no symbols"));
  EXPECT_EQ(SymbolTable::parse({}, "kernel").error().kind, ErrorKind::image);
}

// A file with any byte wrong, or cut anywhere, is either refused or read: never out of bounds
// (under the sanitizers), and never a symbol without an end.
TEST(Symbols, BrokenFiles) {
  const std::vector<u8> good = kernel();
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0x00, 0xff, good[at] ^ 0x40, good[at] + 1}) {
      std::vector<u8> broken = good;
      broken[at] = static_cast<u8>(value);
      const auto table = SymbolTable::parse(broken, "kernel");
      if (!table) continue;
      for (const Symbol& symbol : table->symbols()) ASSERT_GE(symbol.last_va(), symbol.va);
      (void)table->describe(0x80000010);
    }
    const auto cut = SymbolTable::parse(std::span(good).first(at), "kernel");
    if (!cut) {
      EXPECT_EQ(cut.error().kind, ErrorKind::image);
    }
  }
}

}  // namespace
}  // namespace rookery
