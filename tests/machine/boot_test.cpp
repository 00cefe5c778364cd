// SPDX-License-Identifier: Apache-2.0
// Boot images: where they are placed, and what is said about those that cannot be.
#include "machine/boot.h"

#include <cstdio>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>
#include <zstd.h>

#include "base/file.h"
#include "machine/decompress.h"
#include "machine/elf_image.h"
#include "machine/image_builder.h"

namespace rookery {
namespace {

using test::make_elf32;
using test::make_elf64;
using test::make_linux_image;
using test::put;
using test::SegmentSpec;
using ::testing::HasSubstr;

constexpr u64 kRv32Offset = 0x400000;
constexpr u64 kRv64Offset = 0x200000;

std::vector<u8> compressed(const std::vector<u8>& bytes) {
  std::vector<u8> out(ZSTD_compressBound(bytes.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

// A machine that boots `kernel` and, if it has bytes, `initrd`.
struct Boot {
  MachineConfig config;
  BootFiles files;

  explicit Boot(std::vector<u8> kernel = make_linux_image(kRv32Offset, 4096, 1 * kMiB),
                std::vector<u8> initrd = {}) {
    config.kernel_path = "kernel.img";
    files.kernel = std::move(kernel);
    if (!initrd.empty()) config.initrd_path = "initrd.img";
    files.initrd = std::move(initrd);
  }
  Result<BootImage> plan() { return plan_boot(config, files); }
};

// The error's text, or "no error".
std::string error_text(const Result<BootImage>& result) {
  return result ? "no error" : result.error().text();
}

Boot bare(std::vector<u8> elf) {
  Boot boot;
  boot.config.kernel_path.clear();
  boot.config.bare_path = "program.elf";
  boot.files = {};
  boot.files.bare = std::move(elf);
  return boot;
}

// --- Placing ---

TEST(Placing, KernelGoesWhereItsHeaderSays) {
  auto image = Boot().plan();
  ASSERT_TRUE(image) << error_text(image);
  EXPECT_EQ(image->layout.mode, BootMode::sbi);
  EXPECT_EQ(image->layout.entry_pa, 0x80400000u);
  EXPECT_EQ(image->layout.kernel_bytes, 1 * kMiB);

  Boot rv64(make_linux_image(kRv64Offset, 4096, 1 * kMiB));
  rv64.config.xlen = Xlen::rv64;
  image = rv64.plan();
  ASSERT_TRUE(image) << error_text(image);
  EXPECT_EQ(image->layout.entry_pa, 0x80200000u);
}

TEST(Placing, InitrdAndDeviceTreeEndRam) {
  auto image = Boot(make_linux_image(kRv32Offset, 4096, 0), std::vector<u8>(100'000)).plan();
  ASSERT_TRUE(image) << error_text(image);
  const BootLayout& layout = image->layout;
  EXPECT_EQ(layout.dtb_pa, 0x84000000u - 0x10000u);
  EXPECT_EQ(layout.initrd_bytes, 100'000u);
  EXPECT_EQ(layout.initrd_pa % 4096, 0u);
  EXPECT_LE(layout.initrd_pa + layout.initrd_bytes, layout.dtb_pa);
  EXPECT_EQ(layout.kernel_bytes, 4096u);
}

TEST(Placing, DeviceTreeStaysInsideOneEarlyPage) {
  for (u64 ram_bytes = 8 * kMiB; ram_bytes < 13 * kMiB; ram_bytes += 4 * kKiB) {
    Boot boot;
    boot.config.ram_bytes = ram_bytes;
    auto image = boot.plan();
    ASSERT_TRUE(image) << error_text(image);
    const u64 first = image->layout.dtb_pa;
    const u64 last = first + image->layout.dtb_bytes - 1;
    EXPECT_EQ(first / (4 * kMiB), last / (4 * kMiB)) << ram_bytes;
    EXPECT_LE(last, 0x80000000u + ram_bytes);
  }
}

TEST(Placing, InitrdOfABigMachineStaysWhere32BitLinuxSeesIt) {
  Boot boot(make_linux_image(kRv32Offset, 4096, 0), std::vector<u8>(5000));
  boot.config.ram_bytes = 2047 * kMiB;
  auto image = boot.plan();
  ASSERT_TRUE(image) << error_text(image);
  EXPECT_LT(image->layout.dtb_pa, 0xa0000000u);
}

TEST(Placing, KernelForMachineModeStartsThere) {
  auto image = Boot(make_linux_image(0, 4096, 1 * kMiB)).plan();
  ASSERT_TRUE(image) << error_text(image);
  EXPECT_EQ(image->layout.mode, BootMode::m_mode);
  EXPECT_EQ(image->layout.entry_pa, 0x80000000u);
  const auto state = std::get<isa::State<u32>>(initial_state(*image));
  EXPECT_EQ(state.hart.privilege, 3u);
  EXPECT_EQ(state.machine.sbi, 0u);
  EXPECT_EQ(state.hart.mcounteren, 7u) << "programs may count";
}

TEST(Placing, SupervisorStartsAsTheSbiSays) {
  auto image = Boot().plan();
  ASSERT_TRUE(image) << error_text(image);
  const auto state = std::get<isa::State<u32>>(initial_state(*image));
  EXPECT_EQ(state.hart.pc, 0x80400000u);
  EXPECT_EQ(state.hart.x[10], 0u);
  EXPECT_EQ(state.hart.x[11], image->layout.dtb_pa);
  EXPECT_EQ(state.hart.privilege, 1u);
  EXPECT_EQ(state.hart.satp, 0u);
  EXPECT_EQ(state.machine.sbi, 1u);
  EXPECT_EQ(state.machine.ram_bytes, 64 * kMiB);
}

TEST(Placing, FirmwareFindsTheKernelThroughItsParameters) {
  Boot boot;
  boot.config.bios_path = "fw.bin";
  boot.files.firmware = std::vector<u8>(300'000, 0x13);
  auto image = boot.plan();
  ASSERT_TRUE(image) << error_text(image);
  const BootLayout& layout = image->layout;
  EXPECT_EQ(layout.mode, BootMode::firmware);
  EXPECT_EQ(layout.entry_pa, 0x80000000u);
  const auto state = std::get<isa::State<u32>>(initial_state(*image));
  EXPECT_EQ(state.hart.privilege, 3u);
  EXPECT_EQ(state.hart.x[12], layout.dynamic_info_pa);
  for (const BootPiece& piece : image->pieces) {
    if (piece.pa != layout.dynamic_info_pa) continue;
    std::vector<u8> wanted;
    for (const u32 word : {0x4942534fu, 2u, 0x80400000u, 1u, 0u, 0u})
      put(wanted, wanted.size(), word);
    EXPECT_EQ(piece.bytes, wanted);
    return;
  }
  FAIL() << "no fw_dynamic_info in RAM";
}

TEST(Placing, VmlinuxIsMovedToWhereItsImageWouldBe) {
  const auto head = make_linux_image(kRv32Offset, 4096, 8192);
  const auto elf =
      make_elf32(0xc0000000, {{0xc0000000, 0, head, 0}, {0xc0001000, 0x1000, {1, 2, 3}, 4096}});
  auto image = Boot(elf).plan();
  ASSERT_TRUE(image) << error_text(image);
  EXPECT_EQ(image->layout.entry_pa, 0x80400000u);
  EXPECT_EQ(image->layout.kernel_bytes, 8192u);
  EXPECT_EQ(image->pieces[1].pa, 0x80401000u);
}

TEST(Placing, BareProgramIsLoadedByPhysicalAddress) {
  auto boot = bare(make_elf32(0x1004, {{0x1000, 0x80002000, {0x13, 0, 0, 0, 0x6f, 0, 0, 0}, 64}},
                              {{"tohost", 0x80002010}, {"fromhost", 0x80002018}}));
  auto image = boot.plan();
  ASSERT_TRUE(image) << error_text(image);
  EXPECT_EQ(image->layout.entry_pa, 0x80002004u);
  EXPECT_EQ(image->layout.tohost_pa, 0x80002010u);
  EXPECT_EQ(image->layout.fromhost_pa, 0x80002018u);
  const auto state = std::get<isa::State<u32>>(initial_state(*image));
  EXPECT_EQ(state.hart.privilege, 3u);
  EXPECT_EQ(state.machine.tohost, 0x80002010u);
}

TEST(Placing, WidthIsGuessedFromTheFiles) {
  EXPECT_EQ(guess_xlen(Boot(make_linux_image(kRv64Offset, 64, 0)).files), Xlen::rv64);
  EXPECT_EQ(guess_xlen(Boot(make_linux_image(kRv32Offset, 64, 0)).files), Xlen::rv32);
  EXPECT_EQ(guess_xlen(Boot(make_linux_image(0, 64, 0)).files), std::nullopt);
  EXPECT_EQ(guess_xlen(bare(make_elf64(0x80000000, {SegmentSpec{}})).files), Xlen::rv64);
}

// --- Images that cannot be ---

struct BadImage {
  const char* name;
  Boot boot;
  const char* sentence;  // a part of it
};

std::vector<u8> broken_elf(std::size_t offset, u32 value) {
  auto elf = make_elf32(0x80000000, {SegmentSpec{}});
  put(elf, offset, value);
  return elf;
}

constexpr std::size_t kFirstPhdr = sizeof(Elf32_Ehdr);

std::vector<BadImage> bad_images() {
  std::vector<BadImage> cases;
  const auto add = [&](const char* name, Boot boot, const char* sentence) {
    cases.push_back({name, std::move(boot), sentence});
  };
  const auto text = [](std::string_view bytes) {
    return std::vector<u8>(bytes.begin(), bytes.end());
  };
  const std::vector<u8> good_elf = make_elf32(0x80000000, {SegmentSpec{}});

  // Kernels
  add("empty kernel", Boot(std::vector<u8>{}), "kernel \"kernel.img\" is empty.");
  add("short kernel", Boot(text("hello")), "is truncated: 5 bytes is less than");
  add("text as kernel", Boot(text(std::string(1000, 'x'))), "is neither a RISC-V Linux Image");
  add("gzip kernel", Boot(text(std::string("\x1f\x8b\x08") + std::string(100, 'x'))),
      "compressed by gzip");
  auto arm = make_linux_image(kRv32Offset, 4096, 0);
  put(arm, 0x38, u32{0x644d5241});
  add("AArch64 kernel", Boot(arm), "Linux Image for AArch64");
  add("kernel for RV64", Boot(make_linux_image(kRv64Offset, 4096, 0)),
      "is for 64-bit RISC-V; the machine is 32-bit.");
  add("kernel beyond RAM", Boot(make_linux_image(kRv32Offset, 4096, 61 * kMiB)),
      "The kernel \"kernel.img\" does not fit in RAM: it takes 61 MiB at 0x80400000");
  add("kernel of absurd size", Boot(make_linux_image(kRv32Offset, 4096, ~u64{0})),
      "does not fit in RAM");
  add("kernel at an odd offset", Boot(make_linux_image(0x400001, 4096, 0)),
      "which is no page of RAM");
  add("kernel at an absurd offset", Boot(make_linux_image(~u64{0xfff}, 4096, 0)),
      "which is no page of RAM");

  // ELF
  add("ELF cut in its header", Boot(std::vector<u8>(good_elf.begin(), good_elf.begin() + 20)),
      "is truncated: it ends inside its ELF header");
  add("ELF cut in e_ident", Boot(std::vector<u8>(good_elf.begin(), good_elf.begin() + 6)),
      "is truncated: it ends inside its ELF header");
  add("ELF cut in its program headers",
      bare(std::vector<u8>(good_elf.begin(), good_elf.begin() + kFirstPhdr + 10)),
      "truncated or broken");
  add("ELF cut in its segment", bare(std::vector<u8>(good_elf.begin(), good_elf.end() - 1)),
      "is truncated: segment 0 ends at byte");
  add("ELF of no class", bare(broken_elf(EI_CLASS, 0x00010107)), "ELF class of 7");
  add("big-endian ELF", bare(broken_elf(EI_CLASS, 0x00010201)), "not a little-endian ELF file");
  add("ELF for x86-64", bare(broken_elf(16, 0x003e0002)), "is for x86-64; RISC-V (243) is needed.");
  add("relocatable ELF", bare(broken_elf(16, 0x00f30001)), "is an object file;");
  add("position-independent ELF", bare(broken_elf(16, 0x00f30003)), "position-independent");
  add("ELF for RV64", bare(make_elf64(0x80000000, {SegmentSpec{}})),
      "is for 64-bit RISC-V; the machine is 32-bit.");
  add("ELF without segments", bare(make_elf32(0x80000000, {})), "has nothing to load");
  add("ELF with program headers far away", bare(broken_elf(28, 0xfffffff0)), "truncated or broken");
  add("ELF segment far away in the file", bare(broken_elf(kFirstPhdr + 4, 0xfffffff0)),
      "is truncated: segment 0");
  add("ELF segment with more file than memory", bare(broken_elf(kFirstPhdr + 20, 2)),
      "more bytes in the file (4) than in memory (2)");
  add("ELF segment below RAM", bare(make_elf32(0x1000, {{0x1000, 0x1000, {1, 2, 3, 4}, 0}})),
      "does not fit in RAM");
  add("ELF segment beyond RAM",
      bare(make_elf32(0x80000000, {{0x80000000, 0x80000000, {1, 2, 3, 4}, 65 * kMiB}})),
      "does not fit in RAM");
  add("ELF segment that wraps around", bare(broken_elf(kFirstPhdr + 12, 0xfffffffe)),
      "does not fit in RAM");
  add("ELF segments that overlap", bare(make_elf32(0x80000000, {SegmentSpec{}, SegmentSpec{}})),
      "overlaps");
  add("ELF entry outside", bare(make_elf32(0x80000100, {SegmentSpec{}})),
      "starts at 0x80000100, which is in none of its segments");
  add("ELF entry between instructions", bare(make_elf32(0x80000002, {SegmentSpec{}})),
      "not a multiple of 4");
  add("tohost outside of RAM", bare(make_elf32(0x80000000, {SegmentSpec{}}, {{"tohost", 0x1000}})),
      "HTIF mailbox at 0x1000");
  add("text as program", bare(text("hello, world")), "is not an ELF file");

  // What does not go together
  add("initrd of RAM's size",
      Boot(make_linux_image(kRv32Offset, 4096, 0), std::vector<u8>(64 * kMiB)),
      "do not fit in 64 MiB of RAM");
  add("initrd over the kernel",
      Boot(make_linux_image(kRv32Offset, 4096, 50 * kMiB), std::vector<u8>(20 * kMiB)),
      "overlaps the initrd \"initrd.img\"");
  Boot empty_initrd;
  empty_initrd.config.initrd_path = "initrd.img";
  add("empty initrd", empty_initrd, "initrd \"initrd.img\" is empty.");
  Boot small;
  small.config.ram_bytes = 4 * kMiB;
  add("too little RAM", small,
      "does not fit in RAM: it takes 1 MiB at 0x80400000, and RAM (4 MiB)");
  Boot tiny;
  tiny.config.ram_bytes = 4 * kKiB;
  add("one page of RAM", tiny, "does not fit in RAM");
  Boot firmware;
  firmware.config.bios_path = "fw.bin";
  firmware.files.firmware = std::vector<u8>(5 * kMiB);
  add("firmware over the kernel", firmware,
      "The firmware \"fw.bin\" (0x80000000, 5 MiB) overlaps the kernel");
  Boot no_sbi;
  no_sbi.config.bios_path = "none";
  add("S-mode kernel without an SBI", no_sbi, "needs an SBI: leave out --bios none.");
  Boot m_mode(make_linux_image(0, 4096, 0));
  m_mode.config.bios_path = "fw.bin";
  m_mode.files.firmware = std::vector<u8>(4096);
  add("M-mode kernel under firmware", m_mode,
      "is built for M-mode and cannot run under the firmware");

  // Device trees
  const auto with_dtb = [](std::vector<u8> dtb) {
    Boot boot;
    boot.config.dtb_path = "board.dtb";
    boot.files.dtb = std::move(dtb);
    return boot;
  };
  std::vector<u8> dtb(4096);
  fdt_create_empty_tree(dtb.data(), static_cast<int>(dtb.size()));
  add("empty device tree", with_dtb({}), "The device tree \"board.dtb\" is truncated");
  add("text as device tree", with_dtb(text(std::string(200, 'x'))),
      "is not a device tree blob: FDT_ERR_BADMAGIC.");
  add("device tree cut short", with_dtb(std::vector<u8>(dtb.begin(), dtb.begin() + 100)),
      "its header states 4096 bytes, the file has 100");
  auto bad_version = dtb;
  bad_version[23] = 99;  // last_comp_version
  bad_version[27] = 99;
  add("device tree of a new version", with_dtb(bad_version), "FDT_ERR_BADVERSION");
  auto bad_structure = dtb;
  fdt_pack(bad_structure.data());
  bad_structure[fdt_off_dt_struct(bad_structure.data()) + 3] = 7;
  add("device tree with a broken structure", with_dtb(bad_structure),
      "is a broken device tree blob");
  auto more_ram = dtb;
  const int node = fdt_add_subnode(more_ram.data(), 0, "memory");
  fdt_setprop_string(more_ram.data(), node, "device_type", "memory");
  fdt_appendprop_u64(more_ram.data(), node, "reg", 0x80000000);
  fdt_appendprop_u64(more_ram.data(), node, "reg", 128 * kMiB);
  fdt_setprop_u32(more_ram.data(), 0, "#address-cells", 2);
  fdt_setprop_u32(more_ram.data(), 0, "#size-cells", 2);
  add("device tree with more RAM", with_dtb(more_ram),
      "states RAM of 128 MiB at 0x80000000; the machine has 64 MiB");
  return cases;
}

TEST(BadImages, EachIsRefusedWithASentence) {
  for (BadImage& bad : bad_images()) {
    SCOPED_TRACE(bad.name);
    const auto image = bad.boot.plan();
    EXPECT_THAT(error_text(image), HasSubstr(bad.sentence));
    if (!image) {
      EXPECT_EQ(image.error().kind, ErrorKind::image);
    }
  }
}

// No file, however it is broken, may do more than be refused.
TEST(BadImages, EveryPrefixAndEveryChangedByteOfAnElfIsHarmless) {
  const auto elf =
      make_elf32(0x80000000, {{0x80000000, 0x80000000, std::vector<u8>(64, 0x13), 128}},
                 {{"tohost", 0x80000040}, {"fromhost", 0x80000048}});
  for (std::size_t bytes = 0; bytes < elf.size(); ++bytes) {
    (void)bare(std::vector<u8>(elf.begin(), elf.begin() + static_cast<std::ptrdiff_t>(bytes)))
        .plan();
  }
  for (std::size_t at = 0; at < elf.size(); ++at) {
    for (const u8 value : {u8{0}, u8{1}, u8{0x7f}, u8{0x80}, u8{0xff}}) {
      auto changed = elf;
      changed[at] = value;
      (void)bare(changed).plan();
      (void)Boot(changed).plan();
    }
  }
}

TEST(BadImages, EveryPrefixAndEveryChangedByteOfADeviceTreeIsHarmless) {
  auto image = Boot().plan();
  ASSERT_TRUE(image) << error_text(image);
  const std::vector<u8> dtb = image->pieces.back().bytes;
  Boot boot;
  boot.config.dtb_path = "board.dtb";
  boot.config.append = "console=ttyS0";
  boot.files.dtb = dtb;
  ASSERT_TRUE(boot.plan()) << error_text(boot.plan());
  for (std::size_t at = 0; at < dtb.size(); ++at) {
    boot.files.dtb.assign(dtb.begin(), dtb.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_FALSE(boot.plan());
    for (const u8 value : {u8{0}, u8{1}, u8{0x7f}, u8{0xff}}) {
      boot.files.dtb = dtb;
      boot.files.dtb[at] = value;
      (void)boot.plan();
    }
  }
}

// --- RAM sizes ---

TEST(MemorySize, IsReadAsQemuReadsIt) {
  EXPECT_EQ(parse_memory_size("64M").value(), 64 * kMiB);
  EXPECT_EQ(parse_memory_size("64").value(), 64 * kMiB);
  EXPECT_EQ(parse_memory_size("1G").value(), 1 * kGiB);
  EXPECT_EQ(parse_memory_size("65536K").value(), 64 * kMiB);
  EXPECT_EQ(parse_memory_size("8192B").value(), 8192u);
}

TEST(MemorySize, OthersAreRefused) {
  for (const char* text :
       {"", "M", "64X", "-64M", "6 4M", "64MM", "0x40M", "1.5G", "99999999999999999999M"}) {
    const auto size = parse_memory_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error().kind, ErrorKind::usage);
    EXPECT_THAT(size.error().text(), HasSubstr("is not a memory size")) << text;
  }
  EXPECT_THAT(parse_memory_size("0").error().text(), HasSubstr("not a multiple of a page"));
  EXPECT_THAT(parse_memory_size("5K").error().text(), HasSubstr("not a multiple of a page"));
  EXPECT_THAT(parse_memory_size("4G").error().text(), HasSubstr("more than the limit of 2047 MiB"));
  EXPECT_THAT(parse_memory_size("18446744073709551615G").error().text(),
              HasSubstr("more than the limit"));
}

TEST(MemorySize, OfAMachineIsCheckedToo) {
  Boot boot;
  boot.config.ram_bytes = 64 * kMiB + 1;
  EXPECT_THAT(error_text(boot.plan()), HasSubstr("not a multiple of a page"));
  boot.config.ram_bytes = 4 * kGiB;
  EXPECT_THAT(error_text(boot.plan()), HasSubstr("more than the limit"));
  boot.config.ram_bytes = 0;
  EXPECT_THAT(error_text(boot.plan()), HasSubstr("not a multiple of a page"));
}

// --- Files ---

TEST(Decompress, KnowsZstdByItsMagic) {
  std::vector<u8> bytes(300'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<u8>(i * i >> 7);
  EXPECT_EQ(decompress_if_zstd(bytes, "file", kMiB).value(), bytes);
  EXPECT_EQ(decompress_if_zstd(compressed(bytes), "file", kMiB).value(), bytes);
  auto twice = compressed(bytes);
  const auto once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(decompress_if_zstd(twice, "file", kMiB).value().size(), 2 * bytes.size());
}

TEST(Decompress, RefusesWhatIsBrokenOrTooMuch) {
  const std::vector<u8> bytes(300'000, 7);
  const auto good = compressed(bytes);
  EXPECT_THAT(decompress_if_zstd(good, "file", 1000).error().text(),
              HasSubstr("decompresses to more than the limit of 1000 bytes"));
  for (std::size_t size = 4; size < good.size(); ++size) {
    const auto result = decompress_if_zstd(
        {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}, "file", kMiB);
    ASSERT_FALSE(result) << size;
    EXPECT_THAT(result.error().text(), HasSubstr("is truncated"));
  }
  auto garbage = good;
  garbage.push_back('x');
  EXPECT_FALSE(decompress_if_zstd(garbage, "file", kMiB));
}

TEST(Files, MissingOnesAndFoldersAreNamed) {
  MachineConfig config;
  config.kernel_path = "/nonexistent/Image";
  auto files = read_boot_files(config);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::io);
  EXPECT_EQ(files.error().text(),
            "Cannot open the kernel \"/nonexistent/Image\": No such file or directory.");
  config.kernel_path = "/";
  EXPECT_THAT(read_boot_files(config).error().text(),
              HasSubstr("Cannot read the kernel \"/\": Is a directory."));
}

TEST(Files, EndlessOnesStopAtTheLimit) {
  const auto bytes = read_file("/dev/zero", "device tree", kMiB);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().text(),
            "The device tree \"/dev/zero\" is larger than the limit of 1 MiB.");
}

}  // namespace
}  // namespace rookery
