// SPDX-License-Identifier: Apache-2.0
#include "machine/elf_image.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include <gelf.h>
#include <libelf.h>

#include "base/file.h"

namespace rookery {
namespace {

constexpr u16 kMachineRiscv = 243;  // EM_RISCV; spelled out because not every elf.h has it

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, EndElf>;

std::string machine_name(u16 machine) {
  switch (machine) {
    case 3:
      return "x86";
    case 8:
      return "MIPS";
    case 20:
      return "PowerPC";
    case 21:
      return "64-bit PowerPC";
    case 40:
      return "Arm";
    case 62:
      return "x86-64";
    case 183:
      return "AArch64";
    case 258:
      return "LoongArch";
    default:
      return fmt::format("machine number {}", machine);
  }
}

std::string_view type_name(u16 type) {
  switch (type) {
    case ET_REL:
      return "an object file";
    case ET_DYN:
      return "a shared object or position-independent executable";
    case ET_CORE:
      return "a core file";
    default:
      return "a file of unknown type";
  }
}

// Finds HTIF's two symbols. A broken symbol table is not an error: the segments alone make it run.
void find_htif(Elf* elf, ElfImage& image) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    GElf_Sym symbol;
    for (int i = 0; gelf_getsym(data, i, &symbol) != nullptr; ++i) {
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name == nullptr) continue;
      if (std::strcmp(name, "tohost") == 0) image.tohost = symbol.st_value;
      if (std::strcmp(name, "fromhost") == 0) image.fromhost = symbol.st_value;
    }
  }
}

}  // namespace

bool is_elf(std::span<const u8> file) {
  return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

Result<ElfImage> parse_elf(std::span<const u8> file, const std::string& what) {
  if (!is_elf(file)) return fail(ErrorKind::image, "The {} is not an ELF file.", what);
  if (file.size() < EI_NIDENT) {
    return fail(ErrorKind::image, "The {} is truncated: it ends inside its ELF header ({}).", what,
                size_text(file.size()));
  }
  const u8 elf_class = file[EI_CLASS];
  if (elf_class != ELFCLASS32 && elf_class != ELFCLASS64) {
    return fail(ErrorKind::image, "The {} has an ELF class of {}; 1 (32-bit) and 2 (64-bit) exist.",
                what, elf_class);
  }
  if (file[EI_DATA] != ELFDATA2LSB) {
    return fail(ErrorKind::image, "The {} is not a little-endian ELF file.", what);
  }
  const std::size_t header_bytes =
      elf_class == ELFCLASS32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
  if (file.size() < header_bytes) {
    return fail(ErrorKind::image, "The {} is truncated: it ends inside its ELF header ({}).", what,
                size_text(file.size()));
  }

  elf_version(EV_CURRENT);
  // libelf's signature wants a char*, yet it opens memory read-only.
  const ElfHandle elf(
      elf_memory(const_cast<char*>(reinterpret_cast<const char*>(file.data())), file.size()));
  GElf_Ehdr header;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return fail(ErrorKind::image, "The {} is not a valid ELF file: {}.", what, elf_errmsg(-1));
  }
  if (header.e_machine != kMachineRiscv) {
    return fail(ErrorKind::image, "The {} is for {}; RISC-V (243) is needed.", what,
                machine_name(header.e_machine));
  }
  if (header.e_type != ET_EXEC) {
    return fail(ErrorKind::image,
                "The {} is {}; an executable linked to fixed addresses is needed.", what,
                type_name(header.e_type));
  }

  // libelf silently takes fewer program headers when the file ends among them.
  const std::size_t segment_count = header.e_phnum;
  const u64 header_table_bytes = u64{header.e_phnum} * header.e_phentsize;
  std::size_t readable_count = 0;
  if (header.e_phoff > file.size() || header_table_bytes > file.size() - header.e_phoff ||
      (segment_count != 0 && elf_getphdrnum(elf.get(), &readable_count) != 0)) {
    return fail(ErrorKind::image,
                "The {} is truncated or broken: its program headers lie outside of its {}.", what,
                size_text(file.size()));
  }
  ElfImage image;
  image.xlen = elf_class == ELFCLASS32 ? Xlen::rv32 : Xlen::rv64;
  image.entry_va = header.e_entry;
  for (std::size_t i = 0; i < segment_count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr) {
      return fail(ErrorKind::image,
                  "The {} is truncated or broken: program header {} of {} cannot be read.", what, i,
                  segment_count);
    }
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
    if (segment.p_offset > file.size() || segment.p_filesz > file.size() - segment.p_offset) {
      return fail(ErrorKind::image,
                  "The {} is truncated: segment {} ends at byte {} of a file of {} bytes.", what, i,
                  fmt::format("{} + {}", segment.p_offset, segment.p_filesz), file.size());
    }
    if (segment.p_filesz > segment.p_memsz) {
      return fail(
          ErrorKind::image,
          "The {} is broken: segment {} has more bytes in the file ({}) than in memory ({}).", what,
          i, segment.p_filesz, segment.p_memsz);
    }
    if (segment.p_paddr + segment.p_memsz < segment.p_paddr ||
        segment.p_vaddr + segment.p_memsz < segment.p_vaddr) {
      return fail(ErrorKind::image, "The {} is broken: segment {} wraps around the end of memory.",
                  what, i);
    }
    image.segments.push_back({segment.p_vaddr, segment.p_paddr, segment.p_memsz,
                              file.subspan(segment.p_offset, segment.p_filesz)});
  }
  if (image.segments.empty()) {
    return fail(ErrorKind::image, "The {} has nothing to load: no PT_LOAD segment occupies memory.",
                what);
  }
  find_htif(elf.get(), image);
  return image;
}

}  // namespace rookery
