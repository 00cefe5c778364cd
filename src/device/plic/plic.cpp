// SPDX-License-Identifier: Apache-2.0
#include "device/plic/plic.h"

#include "isa/constants.h"

namespace rookery::device {

namespace {
// The registers end after the last context's. Less than the whole region: Linux maps what is
// stated, page by page.
constexpr u32 kRegisterBytes = isa::PLIC_CONTEXT + isa::PLIC_CONTEXTS * isa::PLIC_CONTEXT_STRIDE;
static_assert(kRegisterBytes <= isa::PLIC_SIZE);
}  // namespace

void write_plic_node(DeviceTreeWriter& tree, u32 plic_phandle, u32 cpu_phandle) {
  tree.begin_node_at("plic", isa::PLIC_BASE);
  tree.texts("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
  tree.reg(isa::PLIC_BASE, kRegisterBytes);
  tree.phandle(plic_phandle);
  tree.flag("interrupt-controller");
  tree.cell("#interrupt-cells", 1);
  tree.cell("#address-cells", 0);
  tree.cell("riscv,ndev", isa::PLIC_SOURCES - 1);
  // A pair for each context, in their order.
  tree.cells("interrupts-extended",
             {cpu_phandle, isa::IRQ_M_EXTERNAL, cpu_phandle, isa::IRQ_S_EXTERNAL});
  tree.end_node();
}

}  // namespace rookery::device
