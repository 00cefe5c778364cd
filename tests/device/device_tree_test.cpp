// SPDX-License-Identifier: Apache-2.0
// The device tree, read back with libfdt as firmware and kernels do.
#include "machine/device_tree.h"

#include <gtest/gtest.h>

#include "device/device_tree_writer.h"
#include "isa/constants.h"

extern "C" {
#include <libfdt.h>
}

namespace rookery {
namespace {

using namespace std::string_literals;

BootArguments arguments_for(BootMode mode) {
  BootArguments arguments;
  arguments.ram_bytes = u64{64} << 20;
  arguments.bootargs = "console=ttyS0";
  arguments.initrd_start = 0x83e00000;
  arguments.initrd_end = 0x83f5d005;
  arguments.mode = mode;
  return arguments;
}

struct Tree {
  explicit Tree(const BootArguments& arguments) {
    auto built = build_device_tree(arguments);
    EXPECT_TRUE(built.has_value());
    if (built) blob = *std::move(built);
    EXPECT_EQ(fdt_check_full(blob.data(), blob.size()), 0);
    EXPECT_EQ(fdt_totalsize(blob.data()), blob.size());
  }
  bool has(const char* path) const { return fdt_path_offset(blob.data(), path) >= 0; }
  // A property's bytes; "(none)" if it is not there.
  std::string raw(const char* path, const char* property) const {
    int bytes = 0;
    const void* value =
        fdt_getprop(blob.data(), fdt_path_offset(blob.data(), path), property, &bytes);
    if (value == nullptr) return "(none)";
    return {static_cast<const char*>(value), static_cast<std::size_t>(bytes)};
  }
  std::string text(const char* path, const char* property) const {
    return raw(path, property).c_str();
  }
  std::vector<u32> cells(const char* path, const char* property) const {
    std::vector<u32> out;
    const std::string value = raw(path, property);
    for (std::size_t i = 0; i + 4 <= value.size(); i += 4) {
      out.push_back(fdt32_ld(reinterpret_cast<const fdt32_t*>(value.data() + i)));
    }
    return out;
  }
  std::vector<u8> blob;
};

using Cells = std::vector<u32>;

TEST(DeviceTree, DescribesTheBoard) {
  const Tree tree(arguments_for(BootMode::sbi));
  EXPECT_EQ(tree.text("/", "compatible"), "riscv-virtio");
  EXPECT_EQ(tree.text("/", "model"), "riscv-virtio,qemu");
  EXPECT_EQ(tree.text("/memory@80000000", "device_type"), "memory");
  EXPECT_EQ(tree.cells("/memory@80000000", "reg"), (Cells{0, 0x80000000, 0, 64 << 20}));
  EXPECT_EQ(tree.cells("/cpus", "timebase-frequency"), (Cells{10'000'000}));
  EXPECT_EQ(tree.text("/cpus/cpu@0", "compatible"), "riscv");
  EXPECT_EQ(tree.text("/cpus/cpu@0", "mmu-type"), "riscv,sv32");
  EXPECT_EQ(tree.raw("/soc", "ranges"), "");

  EXPECT_EQ(tree.raw("/soc/serial@10000000", "compatible"), "ns16550a\0"s);
  EXPECT_EQ(tree.cells("/soc/serial@10000000", "reg"), (Cells{0, 0x10000000, 0, 0x100}));
  EXPECT_EQ(tree.cells("/soc/serial@10000000", "interrupts"), (Cells{10}));
  EXPECT_EQ(tree.cells("/soc/serial@10000000", "interrupt-parent"),
            tree.cells("/soc/plic@c000000", "phandle"));

  EXPECT_EQ(tree.raw("/soc/plic@c000000", "compatible"), "sifive,plic-1.0.0\0riscv,plic0\0"s);
  EXPECT_EQ(tree.cells("/soc/plic@c000000", "riscv,ndev"), (Cells{31}));
  const u32 cpu = tree.cells("/cpus/cpu@0/interrupt-controller", "phandle").at(0);
  EXPECT_EQ(tree.cells("/soc/plic@c000000", "interrupts-extended"), (Cells{cpu, 11, cpu, 9}));
  EXPECT_FALSE(tree.has("/soc/virtio_mmio@10001000")) << "nothing is plugged in";
}

TEST(DeviceTree, TellsWhatToBoot) {
  const Tree tree(arguments_for(BootMode::sbi));
  EXPECT_EQ(tree.text("/chosen", "bootargs"), "console=ttyS0");
  EXPECT_TRUE(tree.has(tree.text("/chosen", "stdout-path").c_str()));
  EXPECT_EQ(tree.cells("/chosen", "linux,initrd-start"), (Cells{0, 0x83e00000}));
  EXPECT_EQ(tree.cells("/chosen", "linux,initrd-end"), (Cells{0, 0x83f5d005}));

  BootArguments bare;
  bare.ram_bytes = u64{2} << 30;
  const Tree without(bare);
  EXPECT_EQ(without.raw("/chosen", "bootargs"), "(none)");
  EXPECT_EQ(without.raw("/chosen", "linux,initrd-start"), "(none)");
  EXPECT_EQ(without.cells("/memory@80000000", "reg"), (Cells{0, 0x80000000, 0, 0x80000000}));
}

TEST(DeviceTree, StatesOnlyWhatTheGuestCanUse) {
  struct Case {
    BootMode mode;
    bool clint, finisher, power;
  };
  for (const Case& c :
       {Case{BootMode::sbi, false, false, false}, Case{BootMode::firmware, true, true, false},
        Case{BootMode::m_mode, true, true, true}, Case{BootMode::bare, true, true, true}}) {
    const Tree tree(arguments_for(c.mode));
    EXPECT_EQ(tree.has("/soc/clint@2000000"), c.clint);
    EXPECT_EQ(tree.has("/soc/test@100000"), c.finisher);
    EXPECT_EQ(tree.has("/poweroff"), c.power);
    EXPECT_EQ(tree.has("/reboot"), c.power);
  }
  const Tree tree(arguments_for(BootMode::m_mode));
  const u32 cpu = tree.cells("/cpus/cpu@0/interrupt-controller", "phandle").at(0);
  EXPECT_EQ(tree.cells("/soc/clint@2000000", "interrupts-extended"), (Cells{cpu, 3, cpu, 7}));
  EXPECT_EQ(tree.cells("/poweroff", "regmap"), tree.cells("/soc/test@100000", "phandle"));
  EXPECT_EQ(tree.cells("/poweroff", "value"), (Cells{0x5555}));
  EXPECT_EQ(tree.cells("/reboot", "value"), (Cells{0x7777}));
}

TEST(DeviceTree, NamesTheInstructionSet) {
  BootArguments arguments = arguments_for(BootMode::sbi);
  EXPECT_EQ(Tree(arguments).text("/cpus/cpu@0", "riscv,isa"), "rv32ima_zicntr_zicsr_zifencei_sstc");
  arguments.sstc = false;
  EXPECT_EQ(Tree(arguments).text("/cpus/cpu@0", "riscv,isa"), "rv32ima_zicntr_zicsr_zifencei");
  arguments.xlen = isa::Xlen::rv64;
  EXPECT_EQ(Tree(arguments).text("/cpus/cpu@0", "riscv,isa"), "rv64ima_zicntr_zicsr_zifencei");
  EXPECT_EQ(Tree(arguments).text("/cpus/cpu@0", "mmu-type"), "riscv,none");
}

TEST(DeviceTree, IsTheSameForTheSameArguments) {
  BootArguments arguments = arguments_for(BootMode::sbi);
  const Tree first(arguments);
  EXPECT_EQ(first.blob, Tree(arguments).blob);
  EXPECT_EQ(first.raw("/chosen", "rng-seed").size(), 32u);
  arguments.random_seed = 1;
  EXPECT_NE(Tree(arguments).raw("/chosen", "rng-seed"), first.raw("/chosen", "rng-seed"));
}

// The kernel computes a checksum over the whole blob, so it carries no slack.
TEST(DeviceTree, IsSmall) {
  EXPECT_LT(Tree(arguments_for(BootMode::sbi)).blob.size(), 1500u);
  EXPECT_LT(Tree(arguments_for(BootMode::m_mode)).blob.size(), 2100u);
}

TEST(DeviceTree, TakesAnyCommandLineThatFits) {
  BootArguments arguments = arguments_for(BootMode::sbi);
  arguments.bootargs = std::string(200'000, 'x');
  EXPECT_EQ(Tree(arguments).text("/chosen", "bootargs"), arguments.bootargs);
  arguments.bootargs = std::string(2'000'000, 'x');
  auto refused = build_device_tree(arguments);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message,
            "The device tree could not be written into 1048576 bytes: FDT_ERR_NOSPACE.");
}

TEST(DeviceTree, FollowsAPlannedBoot) {
  MachineConfig config;
  config.append = "quiet";
  BootLayout layout;
  layout.initrd_pa = 0x83000000;
  layout.initrd_bytes = 0x1234;
  const auto planned = build_device_tree(config, layout);
  BootArguments arguments;
  arguments.ram_bytes = config.ram_bytes;
  arguments.bootargs = "quiet";
  arguments.initrd_start = 0x83000000;
  arguments.initrd_end = 0x83001234;
  ASSERT_TRUE(planned.has_value());
  EXPECT_EQ(*planned, Tree(arguments).blob);
}

TEST(DeviceTreeWriter, ReportsTheFirstErrorAtTheEnd) {
  device::DeviceTreeWriter tree(64);
  tree.begin_node("");
  tree.text("model", std::string(100, 'x'));
  tree.end_node();
  const auto refused = tree.finish();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::internal);
}

}  // namespace
}  // namespace rookery
