// SPDX-License-Identifier: Apache-2.0
#include "debug/symbols.h"

#include <algorithm>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

namespace rookery {
namespace {

constexpr u16 kMachineRiscv = 243;  // EM_RISCV; spelled out because not every elf.h has it

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, EndElf>;

// Labels that compilers and assemblers leave for themselves: ".L12", "$xrv32i2p1".
bool is_local_label(std::string_view name) {
  return name.empty() || name.starts_with(".L") || name.starts_with("$");
}

// A symbol while its end is not yet known.
struct Found {
  Symbol symbol;
  u64 section_end;  // the last address that it can reach
};

void take_symbols(Elf* elf, const GElf_Shdr& table, Elf_Data* data, std::vector<Found>& found) {
  GElf_Sym symbol;
  for (int i = 0; gelf_getsym(data, i, &symbol) != nullptr; ++i) {
    const int type = GELF_ST_TYPE(symbol.st_info);
    if (type != STT_FUNC && type != STT_NOTYPE && type != STT_OBJECT) continue;
    Elf_Scn* const section = elf_getscn(elf, symbol.st_shndx);
    GElf_Shdr header;
    const bool is_special = symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE;
    if (is_special || section == nullptr || gelf_getshdr(section, &header) == nullptr) continue;
    const char* const name = elf_strptr(elf, table.sh_link, symbol.st_name);
    if (name == nullptr || is_local_label(name)) continue;
    // A broken file may say anything about its sections.
    const u64 room = std::numeric_limits<u64>::max() - header.sh_addr;
    const u64 end = header.sh_addr + std::min(header.sh_size == 0 ? 0 : header.sh_size - 1, room);
    if (symbol.st_value < header.sh_addr || symbol.st_value > end) continue;
    const bool is_code = type != STT_OBJECT && (header.sh_flags & SHF_EXECINSTR) != 0;
    found.push_back({{name, symbol.st_value, symbol.st_size, is_code}, end});
  }
}

}  // namespace

Result<SymbolTable> SymbolTable::parse(std::span<const u8> file, const std::string& what) {
  elf_version(EV_CURRENT);
  // libelf's signature wants a char*, yet it opens memory read-only.
  const ElfHandle elf(
      elf_memory(const_cast<char*>(reinterpret_cast<const char*>(file.data())), file.size()));
  GElf_Ehdr header;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return fail(ErrorKind::image, "The {} is not an ELF file.", what);
  }
  if (header.e_machine != kMachineRiscv || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return fail(ErrorKind::image,
                "The {} is not for little-endian RISC-V (its ELF machine is {}, 243 is needed).",
                what, header.e_machine);
  }
  std::vector<Found> found;
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf.get(), section)) != nullptr) {
    GElf_Shdr table;
    if (gelf_getshdr(section, &table) == nullptr || table.sh_type != SHT_SYMTAB) continue;
    Elf_Data* const data = elf_getdata(section, nullptr);
    if (data == nullptr) {
      return fail(ErrorKind::image,
                  "The {} is truncated or broken: its symbol table cannot be read ({}).", what,
                  elf_errmsg(-1));
    }
    take_symbols(elf.get(), table, data, found);
  }
  if (found.empty()) {
    return fail(ErrorKind::image,
                "The {} has no symbols: it was stripped, or is no linked program.", what);
  }
  std::stable_sort(found.begin(), found.end(), [](const Found& one, const Found& other) {
    return one.symbol.va < other.symbol.va;
  });
  SymbolTable result;
  u64 next_va = 0;  // of the first symbol after this one's address
  for (size_t i = found.size(); i-- > 0;) {
    auto& [symbol, section_end] = found[i];
    if (i + 1 < found.size() && found[i + 1].symbol.va != symbol.va)
      next_va = found[i + 1].symbol.va;
    const u64 room = section_end - symbol.va;  // and one byte
    if (symbol.bytes == 0) {
      const bool next_is_near = next_va > symbol.va && next_va <= section_end;
      symbol.bytes = next_is_near ? next_va - symbol.va : room + 1;
    }
    symbol.bytes = std::max<u64>(1, std::min(symbol.bytes - 1, room) + 1);
  }
  u64 furthest = 0;
  for (Found& one : found) {
    if (one.symbol.is_code) furthest = std::max(furthest, one.symbol.last_va());
    result.furthest_.push_back(furthest);
    result.symbols_.push_back(std::move(one.symbol));
  }
  return result;
}

const Symbol* SymbolTable::code_at(u64 va) const {
  const auto after =
      std::upper_bound(symbols_.begin(), symbols_.end(), va,
                       [](u64 address, const Symbol& symbol) { return address < symbol.va; });
  for (auto i = static_cast<size_t>(after - symbols_.begin()); i-- > 0 && furthest_[i] >= va;) {
    if (symbols_[i].is_code && symbols_[i].last_va() >= va) return &symbols_[i];
  }
  return nullptr;
}

const Symbol* SymbolTable::find(std::string_view name) const {
  const auto found = std::find_if(symbols_.begin(), symbols_.end(),
                                  [&](const Symbol& symbol) { return symbol.name == name; });
  return found == symbols_.end() ? nullptr : &*found;
}

std::string SymbolTable::describe(u64 va) const {
  const Symbol* const symbol = code_at(va);
  if (symbol == nullptr) return {};
  return va == symbol->va ? symbol->name : fmt::format("{}+0x{:x}", symbol->name, va - symbol->va);
}

}  // namespace rookery
