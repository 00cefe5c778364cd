// SPDX-License-Identifier: Apache-2.0
#include "device/aclint/aclint.h"

#include "isa/constants.h"

namespace rookery::device {

void write_aclint_node(DeviceTreeWriter& tree, u32 cpu_phandle) {
  tree.begin_node_at("clint", isa::ACLINT_BASE);
  tree.texts("compatible", {"sifive,clint0", "riscv,clint0"});
  tree.reg(isa::ACLINT_BASE, isa::ACLINT_SIZE);
  tree.cells("interrupts-extended",
             {cpu_phandle, isa::IRQ_M_SOFTWARE, cpu_phandle, isa::IRQ_M_TIMER});
  tree.end_node();
}

}  // namespace rookery::device
