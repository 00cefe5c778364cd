// SPDX-License-Identifier: Apache-2.0
#include "machine/boot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

#include <libfdt.h>

#include "base/file.h"
#include "machine/decompress.h"
#include "machine/device_tree.h"
#include "machine/elf_image.h"

namespace rookery {
namespace {

using isa::RAM_BASE;

constexpr u64 kPageBytes = isa::PAGE_BYTES;
constexpr u64 kMaxImageBytes = 1 * kGiB;   // of any file, unpacked
constexpr u64 kMaxDtbBytes = 1 * kMiB;     // Linux maps 2 MiB or more for it
constexpr u64 kDtbRoomBytes = 64 * kKiB;   // for a device tree that we build
constexpr u64 kDtbSlackBytes = 16 * kKiB;  // firmware and Linux grow a device tree in place
constexpr u64 kEarlyMapBytes = 4 * kMiB;   // 32-bit Linux maps the device tree by one such page
constexpr u64 kRv32HighEnd =
    u64{RAM_BASE} + 512 * kMiB;  // 32-bit Linux maps less than 1 GiB of RAM
constexpr u64 kRv32TextOffset = 4 * kMiB;
constexpr u64 kRv64TextOffset = 2 * kMiB;

constexpr u32 kSupervisor = 1;
constexpr u32 kMachine = 3;

u64 align_down(u64 value, u64 alignment) { return value - value % alignment; }
u64 align_up(u64 value, u64 alignment) { return align_down(value + alignment - 1, alignment); }

std::string named(const char* what, const std::string& path) {
  return fmt::format("{} \"{}\"", what, path);
}

// --- Linux Image (Documentation/arch/riscv/boot-image-header.rst) ---

struct LinuxHeader {
  u64 text_offset = 0;
  u64 image_bytes = 0;  // with bss
};

constexpr std::size_t kLinuxHeaderBytes = 64;
constexpr std::size_t kLinuxMagicOffset = 0x38;

template <class T>
T load_little(std::span<const u8> bytes, std::size_t offset) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>((value << 8) | bytes[offset + i]);
  return value;
}

bool has_bytes(std::span<const u8> bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

std::optional<LinuxHeader> linux_header(std::span<const u8> image) {
  if (image.size() < kLinuxHeaderBytes || !has_bytes(image, kLinuxMagicOffset, "RSC\x05"))
    return std::nullopt;
  return LinuxHeader{load_little<u64>(image, 8), load_little<u64>(image, 16)};
}

std::optional<Xlen> xlen_of_header(const LinuxHeader& header) {
  if (header.text_offset == kRv32TextOffset) return Xlen::rv32;
  if (header.text_offset == kRv64TextOffset) return Xlen::rv64;
  return std::nullopt;  // an M-mode kernel: both widths start at 0
}

// Why a file is no kernel of ours, for formats that people do have lying about.
std::string foreign_kernel_text(std::span<const u8> kernel) {
  if (kernel.empty()) return "is empty";
  if (has_bytes(kernel, 0, "\x1f\x8b")) return "is compressed by gzip; unpack it first (gunzip)";
  if (has_bytes(kernel, 0,
                "\xfd"
                "7zXZ"))
    return "is compressed by xz; unpack it first (unxz)";
  if (has_bytes(kernel, 4, "zimg"))
    return "is a self-unpacking EFI image; the plain Image inside it is needed";
  if (has_bytes(kernel, kLinuxMagicOffset, "ARM\x64"))
    return "is a Linux Image for AArch64, not RISC-V";
  if (has_bytes(kernel, 0x202, "HdrS")) return "is a Linux bzImage for x86, not RISC-V";
  if (has_bytes(kernel, 0, "\xd0\x0d\xfe\xed")) return "is a device tree, not a kernel";
  if (kernel.size() < kLinuxHeaderBytes) {
    return fmt::format("is truncated: {} is less than a RISC-V Linux Image's header",
                       size_text(kernel.size()));
  }
  return "is neither a RISC-V Linux Image (\"RSC\\x05\" at offset 0x38) nor an ELF file";
}

std::string xlen_text(Xlen xlen) { return xlen == Xlen::rv32 ? "32-bit" : "64-bit"; }

Result<void> check_xlen(Xlen file_xlen, Xlen machine_xlen, const std::string& what) {
  if (file_xlen == machine_xlen) return {};
  return fail(ErrorKind::image, "The {} is for {} RISC-V; the machine is {}.", what,
              xlen_text(file_xlen), xlen_text(machine_xlen));
}

// --- Placing ---

// Collects what goes where and finds what does not fit.
class Placement {
 public:
  explicit Placement(u64 ram_bytes) : ram_bytes_(ram_bytes), ram_end_(RAM_BASE + ram_bytes) {}

  u64 ram_end() const { return ram_end_; }

  // Reserves [pa, pa + bytes) for `what`, which must lie in RAM.
  Result<void> claim(const std::string& what, u64 pa, u64 bytes) {
    if (pa < RAM_BASE || pa > ram_end_ || bytes > ram_end_ - pa) {
      return fail(
          ErrorKind::image,
          "The {} does not fit in RAM: it takes {} at {:#x}, and RAM ({}) is {:#x} to {:#x}.", what,
          size_text(bytes), pa, size_text(ram_bytes_), RAM_BASE, ram_end_ - 1);
    }
    claims_.push_back({what, pa, bytes});
    return {};
  }

  Result<void> check_overlaps() {
    std::stable_sort(claims_.begin(), claims_.end(),
                     [](const Claim& a, const Claim& b) { return a.pa < b.pa; });
    for (std::size_t i = 1; i < claims_.size(); ++i) {
      const Claim& low = claims_[i - 1];
      const Claim& high = claims_[i];
      if (low.pa + low.bytes <= high.pa) continue;
      return fail(ErrorKind::image,
                  "The {} ({:#x}, {}) overlaps the {} ({:#x}, {}) in a machine with {} of RAM.",
                  low.what, low.pa, size_text(low.bytes), high.what, high.pa, size_text(high.bytes),
                  size_text(ram_bytes_));
    }
    return {};
  }

 private:
  struct Claim {
    std::string what;
    u64 pa;
    u64 bytes;
  };
  u64 ram_bytes_;
  u64 ram_end_;
  std::vector<Claim> claims_;
};

Result<void> check_entry(u64 entry_pa, u64 ram_end, const std::string& what) {
  if (entry_pa < RAM_BASE || entry_pa >= ram_end) {
    return fail(ErrorKind::image, "The {} starts at {:#x}, outside of RAM ({:#x} to {:#x}).", what,
                entry_pa, RAM_BASE, ram_end - 1);
  }
  if (entry_pa % 4 != 0) {
    return fail(ErrorKind::image, "The {} starts at {:#x}, which is not a multiple of 4.", what,
                entry_pa);
  }
  return {};
}

// Adds an ELF's segments, `shift` bytes above their physical addresses; gives the entry's address.
Result<u32> place_elf(const ElfImage& elf, u64 shift, const std::string& what, Placement& placement,
                      BootImage& image) {
  std::optional<u64> entry_pa;
  for (const ElfSegment& segment : elf.segments) {
    const u64 pa = segment.pa + shift;
    if (auto claimed = placement.claim(what, pa, segment.memory_bytes); !claimed)
      return std::unexpected(claimed.error());
    if (elf.entry_va >= segment.va && elf.entry_va - segment.va < segment.memory_bytes) {
      entry_pa = elf.entry_va - segment.va + pa;
    }
    image.pieces.push_back(
        {static_cast<u32>(pa), {segment.file_bytes.begin(), segment.file_bytes.end()}});
  }
  if (!entry_pa) {
    return fail(ErrorKind::image, "The {} starts at {:#x}, which is in none of its segments.", what,
                elf.entry_va);
  }
  if (auto checked = check_entry(*entry_pa, placement.ram_end(), what); !checked)
    return std::unexpected(checked.error());
  return static_cast<u32>(*entry_pa);
}

Result<void> place_bare(const MachineConfig& config, const BootFiles& files, Placement& placement,
                        BootImage& image) {
  const std::string what = named("program", config.bare_path);
  auto elf = parse_elf(files.bare, what);
  if (!elf) return std::unexpected(elf.error());
  if (auto checked = check_xlen(elf->xlen, config.xlen, what); !checked) return checked;
  auto entry_pa = place_elf(*elf, 0, what, placement, image);
  if (!entry_pa) return std::unexpected(entry_pa.error());
  BootLayout& layout = image.layout;
  layout.mode = BootMode::bare;
  layout.entry_pa = *entry_pa;
  for (auto [address, field] :
       {std::pair{elf->tohost, &layout.tohost_pa}, std::pair{elf->fromhost, &layout.fromhost_pa}}) {
    if (!address) continue;
    if (*address < RAM_BASE || *address % 8 != 0 || *address + 8 > placement.ram_end()) {
      return fail(ErrorKind::image,
                  "The {} has its HTIF mailbox at {:#x}: that must be a multiple of 8 in RAM.",
                  what, *address);
    }
    *field = static_cast<u32>(*address);
  }
  return {};
}

// Where a kernel wants to be: its Image header's text offset, checked against who starts it.
Result<u64> kernel_offset(const LinuxHeader& header, const MachineConfig& config,
                          const std::string& what) {
  if (auto xlen = xlen_of_header(header)) {
    if (auto checked = check_xlen(*xlen, config.xlen, what); !checked)
      return std::unexpected(checked.error());
  }
  const bool wants_m_mode = header.text_offset == 0;
  if (wants_m_mode && !config.bios_path.empty() && config.bios_path != "none") {
    return fail(
        ErrorKind::image,
        "The {} is built for M-mode and cannot run under the firmware \"{}\": leave out --bios.",
        what, config.bios_path);
  }
  if (!wants_m_mode && config.bios_path == "none") {
    return fail(ErrorKind::image,
                "The {} is built for S-mode and needs an SBI: leave out --bios none.", what);
  }
  if (header.text_offset % kPageBytes != 0 || header.text_offset > kMaxRamBytes) {
    return fail(ErrorKind::image,
                "The {} asks to be loaded {:#x} bytes into RAM, which is no page of RAM.", what,
                header.text_offset);
  }
  return header.text_offset;
}

Result<void> place_kernel(const MachineConfig& config, const BootFiles& files, Placement& placement,
                          BootImage& image) {
  const std::string what = named("kernel", config.kernel_path);
  BootLayout& layout = image.layout;
  std::optional<LinuxHeader> header;
  if (is_elf(files.kernel)) {
    auto elf = parse_elf(files.kernel, what);
    if (!elf) return std::unexpected(elf.error());
    if (auto checked = check_xlen(elf->xlen, config.xlen, what); !checked) return checked;
    const auto by_pa = [](const ElfSegment& a, const ElfSegment& b) { return a.pa < b.pa; };
    const auto [lowest, highest] =
        std::minmax_element(elf->segments.begin(), elf->segments.end(), by_pa);
    // Linux's vmlinux has physical addresses relative to where it is loaded, and an Image header.
    header = linux_header(lowest->file_bytes);
    u64 shift = 0;
    if (header) {
      auto offset = kernel_offset(*header, config, what);
      if (!offset) return std::unexpected(offset.error());
      if (lowest->pa < RAM_BASE) shift = RAM_BASE + *offset - lowest->pa;
    }
    layout.kernel_pa = static_cast<u32>(lowest->pa + shift);
    auto entry_pa = place_elf(*elf, shift, what, placement, image);
    if (!entry_pa) return std::unexpected(entry_pa.error());
    layout.entry_pa = *entry_pa;
    layout.kernel_bytes = static_cast<u32>(highest->pa + highest->memory_bytes - lowest->pa);
  } else {
    header = linux_header(files.kernel);
    if (!header)
      return fail(ErrorKind::image, "The {} {}.", what, foreign_kernel_text(files.kernel));
    auto offset = kernel_offset(*header, config, what);
    if (!offset) return std::unexpected(offset.error());
    const u64 occupied_bytes = std::max<u64>(header->image_bytes, files.kernel.size());
    if (auto claimed = placement.claim(what, RAM_BASE + *offset, occupied_bytes); !claimed)
      return claimed;
    layout.kernel_pa = static_cast<u32>(RAM_BASE + *offset);
    layout.kernel_bytes = static_cast<u32>(occupied_bytes);
    layout.entry_pa = layout.kernel_pa;
    image.pieces.push_back({layout.kernel_pa, files.kernel});
  }
  const bool m_mode = config.bios_path == "none" || (header && header->text_offset == 0);
  layout.mode = m_mode ? BootMode::m_mode : BootMode::sbi;
  return {};
}

Result<void> place_firmware(const MachineConfig& config, const BootFiles& files,
                            Placement& placement, BootImage& image) {
  const std::string what = named("firmware", config.bios_path);
  BootLayout& layout = image.layout;
  if (files.firmware.empty()) return fail(ErrorKind::image, "The {} is empty.", what);
  layout.mode = BootMode::firmware;
  if (is_elf(files.firmware)) {
    auto elf = parse_elf(files.firmware, what);
    if (!elf) return std::unexpected(elf.error());
    if (auto checked = check_xlen(elf->xlen, config.xlen, what); !checked) return checked;
    auto entry_pa = place_elf(*elf, 0, what, placement, image);
    if (!entry_pa) return std::unexpected(entry_pa.error());
    layout.entry_pa = *entry_pa;
    layout.firmware_pa = *entry_pa;
    return {};
  }
  if (auto claimed = placement.claim(what, RAM_BASE, files.firmware.size()); !claimed)
    return claimed;
  layout.firmware_pa = RAM_BASE;
  layout.firmware_bytes = static_cast<u32>(files.firmware.size());
  layout.entry_pa = RAM_BASE;
  image.pieces.push_back({RAM_BASE, files.firmware});
  return {};
}

// --- Device tree ---

Result<void> check_dtb(const MachineConfig& config, const std::vector<u8>& dtb,
                       const std::string& what) {
  if (dtb.size() < sizeof(fdt_header)) {
    return fail(ErrorKind::image, "The {} is truncated: {} is less than a header.", what,
                size_text(dtb.size()));
  }
  if (const int error = fdt_check_header(dtb.data()); error != 0) {
    return fail(ErrorKind::image, "The {} is not a device tree blob: {}.", what,
                fdt_strerror(error));
  }
  if (fdt_totalsize(dtb.data()) > dtb.size()) {
    return fail(ErrorKind::image,
                "The {} is truncated: its header states {} bytes, the file has {}.", what,
                fdt_totalsize(dtb.data()), dtb.size());
  }
  if (const int error = fdt_check_full(dtb.data(), dtb.size()); error != 0) {
    return fail(ErrorKind::image, "The {} is a broken device tree blob: {}.", what,
                fdt_strerror(error));
  }
  // A guest that believes in more RAM than there is dies in ways that nobody can explain.
  const int node =
      fdt_node_offset_by_prop_value(dtb.data(), -1, "device_type", "memory", sizeof("memory"));
  const int address_cells = fdt_address_cells(dtb.data(), 0);
  const int size_cells = fdt_size_cells(dtb.data(), 0);
  int reg_bytes = 0;
  const void* reg = node < 0 ? nullptr : fdt_getprop(dtb.data(), node, "reg", &reg_bytes);
  if (reg == nullptr || address_cells < 1 || address_cells > 2 || size_cells < 1 ||
      size_cells > 2 || reg_bytes < 4 * (address_cells + size_cells)) {
    return {};
  }
  const auto* cells = static_cast<const u8*>(reg);
  const auto number = [&](int first, int count) {
    u64 value = 0;
    for (int i = 4 * first; i < 4 * (first + count); ++i) value = (value << 8) | cells[i];
    return value;
  };
  const u64 base = number(0, address_cells);
  const u64 bytes = number(address_cells, size_cells);
  if (base != RAM_BASE || bytes > config.ram_bytes) {
    return fail(ErrorKind::image, "The {} states RAM of {} at {:#x}; the machine has {} at {:#x}.",
                what, size_text(bytes), base, size_text(config.ram_bytes), RAM_BASE);
  }
  return {};
}

// Tells a device tree that came from a file about the command line and the initrd, as QEMU does.
Result<std::vector<u8>> complete_dtb(const MachineConfig& config, const BootLayout& layout,
                                     const std::vector<u8>& dtb, const std::string& what) {
  std::vector<u8> out(fdt_totalsize(dtb.data()) + kDtbSlackBytes + config.append.size());
  int error = fdt_open_into(dtb.data(), out.data(), static_cast<int>(out.size()));
  const auto set = [&](auto&& action) {
    if (error == 0) error = action();
  };
  int chosen = 0;
  set([&] {
    chosen = fdt_path_offset(out.data(), "/chosen");
    if (chosen == -FDT_ERR_NOTFOUND) chosen = fdt_add_subnode(out.data(), 0, "chosen");
    return std::min(chosen, 0);
  });
  if (!config.append.empty()) {
    set([&] { return fdt_setprop_string(out.data(), chosen, "bootargs", config.append.c_str()); });
  }
  if (layout.initrd_bytes != 0) {
    set([&] {
      return fdt_setprop_u64(out.data(), chosen, "linux,initrd-start", layout.initrd_pa);
    });
    set([&] {
      return fdt_setprop_u64(out.data(), chosen, "linux,initrd-end",
                             u64{layout.initrd_pa} + layout.initrd_bytes);
    });
  }
  set([&] { return fdt_pack(out.data()); });
  if (error != 0)
    return fail(ErrorKind::image, "The {} cannot be completed: {}.", what, fdt_strerror(error));
  out.resize(fdt_totalsize(out.data()));
  return out;
}

// `bytes` below `end`, at a page boundary and inside one 4 MiB page.
u64 place_dtb_below(u64 end, u64 bytes) {
  const u64 pa = align_down(end - bytes, kPageBytes);
  const u64 last_page = align_down(pa + bytes - 1, kEarlyMapBytes);
  return pa < last_page ? align_down(last_page - bytes, kPageBytes) : pa;
}

// fw_dynamic_info (OpenSBI, include/sbi/fw_dynamic.h): where the firmware finds the kernel.
std::vector<u8> fw_dynamic_info(Xlen xlen, u32 kernel_pa) {
  constexpr u64 kMagic = 0x4942534f;
  constexpr u64 kVersion = 2;
  const std::array<u64, 6> words = {kMagic,      kVersion,      kernel_pa,
                                    kSupervisor, /*options*/ 0, /*boot hart*/ 0};
  const std::size_t word_bytes = xlen == Xlen::rv32 ? 4 : 8;
  std::vector<u8> bytes;
  for (const u64 word : words) {
    for (std::size_t i = 0; i < word_bytes; ++i) bytes.push_back(static_cast<u8>(word >> (8 * i)));
  }
  return bytes;
}

Result<void> check_config(const MachineConfig& config) {
  if (config.ram_bytes == 0 || config.ram_bytes % kPageBytes != 0) {
    return fail(ErrorKind::usage, "RAM of {} bytes is not a multiple of a page ({} bytes).",
                config.ram_bytes, kPageBytes);
  }
  if (config.ram_bytes > kMaxRamBytes) {
    return fail(ErrorKind::usage, "RAM of {} is more than the limit of {} MiB.",
                size_text(config.ram_bytes), kMaxRamBytes / kMiB);
  }
  constexpr std::size_t kMaxAppendBytes =
      2048;  // Linux: COMMAND_LINE_SIZE is 1024 on RISC-V; others take more
  if (config.append.size() > kMaxAppendBytes) {
    return fail(ErrorKind::usage, "The kernel command line has {} bytes; the limit is {}.",
                config.append.size(), kMaxAppendBytes);
  }
  return {};
}

}  // namespace

Result<BootFiles> read_boot_files(const MachineConfig& config) {
  BootFiles files;
  const auto read = [](const std::string& path, const char* what, std::vector<u8>& out,
                       u64 max_bytes) -> Result<void> {
    if (path.empty()) return {};
    auto bytes = read_file(path, what, max_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    bytes = decompress_if_zstd(*std::move(bytes), named(what, path), max_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    out = *std::move(bytes);
    return {};
  };
  const std::string firmware_path = config.bios_path == "none" ? "" : config.bios_path;
  Result<void> done = read(config.bare_path, "program", files.bare, kMaxImageBytes);
  if (done) done = read(config.kernel_path, "kernel", files.kernel, kMaxImageBytes);
  if (done) done = read(config.initrd_path, "initrd", files.initrd, kMaxImageBytes);
  if (done) done = read(config.dtb_path, "device tree", files.dtb, kMaxDtbBytes);
  if (done) done = read(firmware_path, "firmware", files.firmware, kMaxImageBytes);
  if (!done) return std::unexpected(done.error());
  return files;
}

std::optional<Xlen> guess_xlen(const BootFiles& files) {
  for (const std::vector<u8>* file : {&files.bare, &files.kernel, &files.firmware}) {
    if (is_elf(*file) && file->size() > 4) {
      constexpr std::size_t kClassOffset = 4;
      constexpr u8 kClass64 = 2;
      return (*file)[kClassOffset] == kClass64 ? Xlen::rv64 : Xlen::rv32;
    }
    if (auto header = linux_header(*file)) {
      if (auto xlen = xlen_of_header(*header)) return xlen;
    }
  }
  return std::nullopt;
}

Result<BootImage> plan_boot(const MachineConfig& config, BootFiles files) {
  if (auto checked = check_config(config); !checked) return std::unexpected(checked.error());
  BootImage image;
  image.xlen = config.xlen;
  image.ram_bytes = config.ram_bytes;
  BootLayout& layout = image.layout;
  Placement placement(config.ram_bytes);

  if (!config.bare_path.empty()) {
    if (auto placed = place_bare(config, files, placement, image); !placed)
      return std::unexpected(placed.error());
    if (auto checked = placement.check_overlaps(); !checked)
      return std::unexpected(checked.error());
    return image;
  }

  if (config.kernel_path.empty()) return fail(ErrorKind::usage, "No kernel was given.");
  if (auto placed = place_kernel(config, files, placement, image); !placed)
    return std::unexpected(placed.error());
  const u32 kernel_entry_pa = layout.entry_pa;
  if (!config.bios_path.empty() && config.bios_path != "none") {
    if (auto placed = place_firmware(config, files, placement, image); !placed)
      return std::unexpected(placed.error());
  }

  // From the end of RAM downwards. Sizes are compared before anything is subtracted.
  const std::string dtb_what = named("device tree", config.dtb_path);
  u64 dtb_room_bytes = kDtbRoomBytes;
  if (!config.dtb_path.empty()) {
    if (auto checked = check_dtb(config, files.dtb, dtb_what); !checked)
      return std::unexpected(checked.error());
    dtb_room_bytes = align_up(files.dtb.size() + config.append.size() + kDtbSlackBytes, kPageBytes);
  }
  u64 high_end = placement.ram_end();
  if (config.xlen == Xlen::rv32) high_end = std::min(high_end, kRv32HighEnd);
  const u64 tail_bytes =
      2 * dtb_room_bytes + kPageBytes + align_up(files.initrd.size(), kPageBytes);
  if (tail_bytes > high_end - RAM_BASE) {
    return fail(ErrorKind::image, "The initrd ({}) and the device tree do not fit in {} of RAM.",
                size_text(files.initrd.size()), size_text(config.ram_bytes));
  }
  u64 low = place_dtb_below(high_end, dtb_room_bytes);
  layout.dtb_pa = static_cast<u32>(low);
  layout.dtb_bytes = static_cast<u32>(dtb_room_bytes);
  if (auto claimed = placement.claim("device tree", low, dtb_room_bytes); !claimed)
    return std::unexpected(claimed.error());
  if (layout.mode == BootMode::firmware) {
    low -= kPageBytes;
    layout.dynamic_info_pa = static_cast<u32>(low);
    if (auto claimed = placement.claim("firmware's parameters", low, kPageBytes); !claimed) {
      return std::unexpected(claimed.error());
    }
    image.pieces.push_back({layout.dynamic_info_pa, fw_dynamic_info(config.xlen, kernel_entry_pa)});
  }
  if (!config.initrd_path.empty() && files.initrd.empty()) {
    return fail(ErrorKind::image, "The {} is empty.", named("initrd", config.initrd_path));
  }
  if (!files.initrd.empty()) {
    low = align_down(low - files.initrd.size(), kPageBytes);
    layout.initrd_pa = static_cast<u32>(low);
    layout.initrd_bytes = static_cast<u32>(files.initrd.size());
    if (auto claimed =
            placement.claim(named("initrd", config.initrd_path), low, files.initrd.size());
        !claimed) {
      return std::unexpected(claimed.error());
    }
    image.pieces.push_back({layout.initrd_pa, std::move(files.initrd)});
  }
  if (auto checked = placement.check_overlaps(); !checked) return std::unexpected(checked.error());

  auto dtb = config.dtb_path.empty() ? build_device_tree(config, layout)
                                     : complete_dtb(config, layout, files.dtb, dtb_what);
  if (!dtb) return std::unexpected(dtb.error());
  if (dtb->size() > dtb_room_bytes) {
    return fail(ErrorKind::internal, "The device tree has {} bytes; there is room for {}.",
                dtb->size(), dtb_room_bytes);
  }
  layout.dtb_bytes = static_cast<u32>(dtb->size());
  image.pieces.push_back({layout.dtb_pa, *std::move(dtb)});
  return image;
}

isa::MachineState initial_state(const BootImage& image) {
  const BootLayout& layout = image.layout;
  isa::MachineState any = isa::make_state(image.xlen);
  std::visit(
      [&](auto& state) {
        constexpr std::size_t kA0 = 10;
        constexpr std::size_t kA1 = 11;
        constexpr std::size_t kA2 = 12;
        state.hart.pc = layout.entry_pa;
        state.hart.x[kA0] = 0;  // hart id
        state.hart.x[kA1] = layout.dtb_pa;
        state.hart.x[kA2] = layout.dynamic_info_pa;
        state.hart.privilege = kMachine;
        state.machine.ram_bytes = static_cast<u32>(image.ram_bytes);
        state.machine.tohost = layout.tohost_pa;
        constexpr u32 kCycleTimeInstret = 0x7;
        if (layout.mode == BootMode::sbi || layout.mode == BootMode::m_mode) {
          // The counters are open to all: firmware opens them, and a kernel in M-mode leaves them
          // as they are (their reset value is the implementation's choice).
          state.hart.mcounteren = kCycleTimeInstret;
          state.hart.scounteren = kCycleTimeInstret;
        }
        if (layout.mode == BootMode::sbi) {
          // What else firmware leaves behind: nothing but an ecall from S-mode ever reaches M-mode.
          constexpr u32 kAllButSupervisorCalls = 0xb1ff;  // causes 0 to 8, 12, 13, 15
          constexpr u32 kSupervisorInterrupts = 0x222;    // software, timer, external
          state.hart.privilege = kSupervisor;
          state.hart.medeleg = kAllButSupervisorCalls;
          state.hart.mideleg = kSupervisorInterrupts;
          state.hart.menvcfgh = isa::MENVCFGH_STCE;  // the SBI's timer is stimecmp,
          state.hart.stimecmp = ~u64{0};             // which is never due before it is set
          state.machine.sbi = 1;
        }
      },
      any);
  return any;
}

Result<void> load_boot_image(Engine& engine, const BootImage& image) {
  for (const BootPiece& piece : image.pieces) {
    if (auto loaded = engine.load_base(piece.pa, piece.bytes); !loaded) return loaded;
  }
  const isa::MachineState state = initial_state(image);
  for (u32 vm = 0; vm < engine.config().vm_count; ++vm) {
    if (auto written = engine.write_state(vm, state); !written) return written;
  }
  return {};
}

Result<u64> parse_memory_size(std::string_view text) {
  u64 number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  u64 unit_bytes = 0;
  if (unit.empty() || unit == "M" || unit == "m" || unit == "MiB") unit_bytes = kMiB;
  if (unit == "G" || unit == "g" || unit == "GiB") unit_bytes = kGiB;
  if (unit == "K" || unit == "k" || unit == "KiB") unit_bytes = kKiB;
  if (unit == "B") unit_bytes = 1;
  if (error != std::errc{} || unit_bytes == 0) {
    return fail(ErrorKind::usage, "\"{}\" is not a memory size: write 64M, 1G or 65536K.", text);
  }
  if (number > kMaxRamBytes / unit_bytes) {
    return fail(ErrorKind::usage, "Memory of {} is more than the limit of {} MiB.", text,
                kMaxRamBytes / kMiB);
  }
  if (number == 0 || number * unit_bytes % kPageBytes != 0) {
    return fail(ErrorKind::usage, "Memory of {} is not a multiple of a page ({} bytes) above 0.",
                text, kPageBytes);
  }
  return number * unit_bytes;
}

}  // namespace rookery
