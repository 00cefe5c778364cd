// SPDX-License-Identifier: Apache-2.0
#include "machine/image_builder.h"

#include <algorithm>
#include <cstring>

namespace rookery::test {
namespace {

template <class T>
void append(std::vector<u8>& bytes, const T& value) {
  bytes.resize(bytes.size() + sizeof(T));
  std::memcpy(bytes.data() + bytes.size() - sizeof(T), &value, sizeof(T));
}

template <class Ehdr, class Phdr>
std::vector<u8> make_elf(u8 elf_class, u64 entry, const std::vector<SegmentSpec>& segments) {
  Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_RISCV;
  header.e_version = EV_CURRENT;
  header.e_entry = static_cast<decltype(header.e_entry)>(entry);
  header.e_phoff = sizeof(Ehdr);
  header.e_ehsize = sizeof(Ehdr);
  header.e_phentsize = sizeof(Phdr);
  header.e_phnum = static_cast<u16>(segments.size());
  header.e_shentsize = elf_class == ELFCLASS32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);
  std::vector<u8> bytes;
  append(bytes, header);
  std::size_t offset = sizeof(Ehdr) + segments.size() * sizeof(Phdr);
  for (const SegmentSpec& segment : segments) {
    Phdr program{};
    program.p_type = PT_LOAD;
    program.p_offset = static_cast<decltype(program.p_offset)>(offset);
    program.p_vaddr = static_cast<decltype(program.p_vaddr)>(segment.va);
    program.p_paddr = static_cast<decltype(program.p_paddr)>(segment.pa);
    program.p_filesz = static_cast<decltype(program.p_filesz)>(segment.bytes.size());
    program.p_memsz = static_cast<decltype(program.p_memsz)>(
        segment.memory_bytes != 0 ? segment.memory_bytes : segment.bytes.size());
    program.p_flags = PF_R | PF_W | PF_X;
    program.p_align = 1;
    append(bytes, program);
    offset += segment.bytes.size();
  }
  for (const SegmentSpec& segment : segments) {
    bytes.insert(bytes.end(), segment.bytes.begin(), segment.bytes.end());
  }
  return bytes;
}

}  // namespace

std::vector<u8> make_elf32(u32 entry, const std::vector<SegmentSpec>& segments,
                           const std::vector<SymbolSpec>& symbols) {
  std::vector<u8> bytes = make_elf<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, entry, segments);
  if (symbols.empty()) return bytes;
  std::vector<u8> names(1);
  std::vector<Elf32_Sym> table(1);
  for (const SymbolSpec& symbol : symbols) {
    Elf32_Sym row{};
    row.st_name = static_cast<u32>(names.size());
    row.st_value = static_cast<u32>(symbol.address);
    row.st_info = ELF32_ST_INFO(STB_GLOBAL, STT_OBJECT);
    table.push_back(row);
    names.insert(names.end(), symbol.name.begin(), symbol.name.end());
    names.push_back(0);
  }
  bytes.resize((bytes.size() + 3) / 4 * 4);
  Elf32_Shdr symbol_section{};
  symbol_section.sh_type = SHT_SYMTAB;
  symbol_section.sh_offset = static_cast<u32>(bytes.size());
  symbol_section.sh_size = static_cast<u32>(table.size() * sizeof(Elf32_Sym));
  symbol_section.sh_link = 2;
  symbol_section.sh_entsize = sizeof(Elf32_Sym);
  symbol_section.sh_addralign = 4;
  for (const Elf32_Sym& row : table) append(bytes, row);
  Elf32_Shdr name_section{};
  name_section.sh_type = SHT_STRTAB;
  name_section.sh_offset = static_cast<u32>(bytes.size());
  name_section.sh_size = static_cast<u32>(names.size());
  name_section.sh_addralign = 1;
  bytes.insert(bytes.end(), names.begin(), names.end());
  bytes.resize((bytes.size() + 3) / 4 * 4);
  put(bytes, offsetof(Elf32_Ehdr, e_shoff), static_cast<u32>(bytes.size()));
  put(bytes, offsetof(Elf32_Ehdr, e_shnum), u16{3});
  append(bytes, Elf32_Shdr{});
  append(bytes, symbol_section);
  append(bytes, name_section);
  return bytes;
}

std::vector<u8> make_elf64(u64 entry, const std::vector<SegmentSpec>& segments) {
  return make_elf<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, entry, segments);
}

std::vector<u8> make_linux_image(u64 text_offset, std::size_t bytes, u64 image_bytes) {
  std::vector<u8> image(std::max<std::size_t>(bytes, 64));
  put(image, 0, u32{0x6f});  // j .
  put(image, 8, text_offset);
  put(image, 16, image_bytes);
  put(image, 0x38, u32{0x05435352});  // "RSC\x05"
  return image;
}

}  // namespace rookery::test
