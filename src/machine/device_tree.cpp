// SPDX-License-Identifier: Apache-2.0
#include "machine/device_tree.h"

#include "device/aclint/aclint.h"
#include "device/device_tree_writer.h"
#include "device/plic/plic.h"
#include "device/test/test.h"
#include "device/uart/uart.h"
#include "isa/constants.h"

namespace rookery {

namespace {

using device::DeviceTreeWriter;

constexpr std::size_t kMaxTreeBytes = 1 << 20;
constexpr std::size_t kRngSeedBytes = 32;  // what Linux's generator wants to be seeded at once

// The same guest sees the same "random" numbers in every run: the machine is deterministic, and a
// fleet that wants its machines to differ gives each a seed of its own. SplitMix64 spreads it.
std::vector<u8> rng_seed_bytes(u64 seed) {
  std::vector<u8> bytes;
  while (bytes.size() < kRngSeedBytes) {
    seed += 0x9e3779b97f4a7c15;
    u64 word = seed;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    word ^= word >> 31;
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<u8>(word >> shift));
  }
  return bytes;
}

void write_chosen(DeviceTreeWriter& tree, const BootArguments& arguments) {
  tree.begin_node("chosen");
  if (!arguments.bootargs.empty()) tree.text("bootargs", arguments.bootargs);
  tree.text("stdout-path", device::uart_path());
  if (arguments.initrd_end > arguments.initrd_start) {
    tree.two_cells("linux,initrd-start", arguments.initrd_start);
    tree.two_cells("linux,initrd-end", arguments.initrd_end);
  }
  tree.bytes("rng-seed", rng_seed_bytes(arguments.random_seed));
  tree.end_node();
}

void write_memory(DeviceTreeWriter& tree, const BootArguments& arguments) {
  tree.begin_node_at("memory", isa::RAM_BASE);
  tree.text("device_type", "memory");
  tree.reg(isa::RAM_BASE, arguments.ram_bytes);
  tree.end_node();
}

// The hart's extensions in the order that the unprivileged specification (naming conventions)
// wants.
std::string isa_string(const BootArguments& arguments) {
  std::string isa = arguments.xlen == isa::Xlen::rv32 ? "rv32ima" : "rv64ima";
  isa += "_zicntr_zicsr_zifencei";
  if (arguments.sstc) isa += "_sstc";
  return isa;
}

// Binding: Linux, riscv/cpus.yaml. `riscv,isa` is deprecated in favour of `riscv,isa-base` and
// `riscv,isa-extensions`, but every kernel and firmware reads it, and Linux does so far faster. A
// kernel configured without RISCV_ISA_FALLBACK would need the newer pair.
void write_cpus(DeviceTreeWriter& tree, const BootArguments& arguments, u32 cpu_phandle) {
  tree.begin_node("cpus");
  tree.cell("#address-cells", 1);
  tree.cell("#size-cells", 0);
  tree.cell("timebase-frequency", isa::TIMEBASE_HZ);
  tree.begin_node("cpu@0");
  tree.text("device_type", "cpu");
  tree.text("compatible", "riscv");
  tree.cell("reg", 0);
  tree.text("riscv,isa", isa_string(arguments));
  tree.text("mmu-type",
            arguments.xlen == isa::Xlen::rv32 ? "riscv,sv32" : "riscv,none");  // no Sv39 yet
  tree.begin_node("interrupt-controller");
  tree.text("compatible", "riscv,cpu-intc");
  tree.flag("interrupt-controller");
  tree.cell("#interrupt-cells", 1);
  tree.phandle(cpu_phandle);
  tree.end_node();
  tree.end_node();
  tree.end_node();
}

}  // namespace

Result<std::vector<u8>> build_device_tree(const BootArguments& arguments) {
  DeviceTreeWriter tree(kMaxTreeBytes);
  const u32 cpu_phandle = tree.new_phandle();
  const u32 plic_phandle = tree.new_phandle();
  const u32 test_phandle = tree.new_phandle();

  tree.begin_node("");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.text("compatible", "riscv-virtio");
  tree.text("model", "riscv-virtio,qemu");
  write_chosen(tree, arguments);
  write_memory(tree, arguments);
  write_cpus(tree, arguments, cpu_phandle);

  tree.begin_node("soc");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.text("compatible", "simple-bus");
  tree.flag("ranges");
  device::write_plic_node(tree, plic_phandle, cpu_phandle);
  device::write_uart_node(tree, plic_phandle);
  if (arguments.mode != BootMode::sbi) {
    device::write_aclint_node(tree, cpu_phandle);
    device::write_test_node(tree, test_phandle);
  }
  tree.end_node();
  if (arguments.mode == BootMode::m_mode || arguments.mode == BootMode::bare) {
    device::write_power_nodes(tree, test_phandle);
  }
  tree.end_node();
  return tree.finish();
}

Result<std::vector<u8>> build_device_tree(const MachineConfig& config, const BootLayout& layout) {
  BootArguments arguments;
  arguments.xlen = config.xlen;
  arguments.ram_bytes = config.ram_bytes;
  arguments.bootargs = config.append;
  arguments.initrd_start = layout.initrd_pa;
  arguments.initrd_end = u64{layout.initrd_pa} + layout.initrd_bytes;
  arguments.mode = layout.mode;
  arguments.sstc = layout.mode == BootMode::sbi || layout.mode == BootMode::firmware;
  return build_device_tree(arguments);
}

}  // namespace rookery
