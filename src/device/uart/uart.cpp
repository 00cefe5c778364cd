// SPDX-License-Identifier: Apache-2.0
#include "device/uart/uart.h"

#include <fmt/format.h>

namespace rookery::device {

namespace {
// What QEMU's board states. The baud rate that a driver derives from it has no effect.
constexpr u32 kInputClockHz = 3'686'400;
}  // namespace

std::string uart_path() { return fmt::format("/soc/serial@{:x}", isa::UART_BASE); }

void write_uart_node(DeviceTreeWriter& tree, u32 plic_phandle) {
  tree.begin_node_at("serial", isa::UART_BASE);
  tree.text("compatible", "ns16550a");
  tree.reg(isa::UART_BASE, isa::UART_SIZE);
  tree.cell("clock-frequency", kInputClockHz);
  tree.cell("interrupt-parent", plic_phandle);
  tree.cell("interrupts", isa::UART_IRQ);
  tree.end_node();
}

}  // namespace rookery::device
