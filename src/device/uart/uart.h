// SPDX-License-Identifier: Apache-2.0
// The host's side of the serial port: its device-tree node and its input. The registers and what
// they do are in shaders/device/uart.wgsl; output goes through the console ring of the engines.
#pragma once

#include <span>
#include <string>

#include "base/types.h"
#include "device/device_tree_writer.h"
#include "isa/state.h"

namespace rookery::device {

// The UART's path in the device tree, for /chosen/stdout-path.
std::string uart_path();

// Below /soc. Binding: Linux, serial/8250.yaml.
void write_uart_node(DeviceTreeWriter& tree, u32 plic_phandle);

// Types bytes into the receive FIFO and returns how many it took: 16 at most, and a single one
// while the guest has the FIFOs disabled, as on the chip. Nothing overruns: the caller keeps the
// rest and comes again when the guest has read some. The interrupt follows at the machine's next
// poll. This is input from outside: a run can be repeated if it is known at which hart.icount it
// came.
template <class U>
u32 uart_push_input(isa::Uart<U>& uart, std::span<const u8> bytes) {
  const u32 capacity = (uart.fcr & isa::UART_FCR_ENABLE) != 0 ? isa::UART_FIFO_BYTES : 1;
  u32 taken = 0;
  while (taken < bytes.size() && uart.rx_count < capacity) {
    uart.rx[(uart.rx_head + uart.rx_count) % isa::UART_FIFO_BYTES] = bytes[taken];
    ++uart.rx_count;
    ++taken;
  }
  return taken;
}

}  // namespace rookery::device
