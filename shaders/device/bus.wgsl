// SPDX-License-Identifier: Apache-2.0
// The bus: which device answers a physical address that is not RAM. Shared by every engine (WGSL as
// it stands, C++ by tools/wgsl_to_cpp.py). It owns the dispatch alone; a device owns its registers.
//
// `size` is the log2 of the bytes (0, 1, 2); the address is aligned to it; an 8-byte access arrives
// as two of 4 bytes, low word first. A load returns its value zero-extended. Where no device answers,
// or a device refuses the size, `bus_fault` becomes true: the caller clears it before the access and
// makes an access fault of it after.
//
// How to add a device
//  1. isa/memory_map.def: a REGION row with its base, size and PLIC source. Take QEMU's `virt` numbers.
//  2. isa/state.def: its registers, one FIELD each, in a SECTION of its own.
//  3. shaders/device/<name>.wgsl: `<name>_load`, `<name>_store`, its register offsets as constants and
//     `<name>_irq() -> bool` if it interrupts. After a change that can move its interrupt line it calls
//     request_poll(). What it cannot do alone is an exit to the host (isa/exits.def).
//  4. Here: import it and add one line to bus_load and one to bus_store. In plic.wgsl: its line to
//     plic_levels().
//  5. src/device/<name>/: its device-tree node, and what the host does for it (input, files, ...). Call
//     the node's writer in src/machine/device_tree.cpp.
//  6. tests/device: its node, and its registers as a driver sees them.
// What a device does must depend on the machine's state alone, never on how a run is cut into
// dispatches (so a full console is retried, not reported to the guest): engines are compared bit by bit.

#import "device/uart.wgsl"
#import "device/aclint.wgsl"
#import "device/plic.wgsl"
#import "device/test.wgsl"
#import "device/virtio.wgsl"

var<private> bus_fault: bool;

fn bus_load(pa: u32, size: u32) -> u32 {
  // An address below a region's base wraps around to a large offset, so one comparison is enough.
  if ((pa - UART_BASE) < UART_SIZE) { return uart_load(pa - UART_BASE, size); }
  if ((pa - PLIC_BASE) < PLIC_SIZE) { return plic_load(pa - PLIC_BASE, size); }
  if ((pa - ACLINT_BASE) < ACLINT_SIZE) { return aclint_load(pa - ACLINT_BASE, size); }
  if ((pa - VIRTIO_BASE) < VIRTIO_SIZE) { return virtio_load(pa - VIRTIO_BASE, size); }
  if ((pa - TEST_BASE) < TEST_SIZE) { return test_load(pa - TEST_BASE, size); }
  bus_fault = true;
  return 0u;
}

fn bus_store(pa: u32, size: u32, value: u32) {
  if ((pa - UART_BASE) < UART_SIZE) { uart_store(pa - UART_BASE, size, value); return; }
  if ((pa - PLIC_BASE) < PLIC_SIZE) { plic_store(pa - PLIC_BASE, size, value); return; }
  if ((pa - ACLINT_BASE) < ACLINT_SIZE) { aclint_store(pa - ACLINT_BASE, size, value); return; }
  if ((pa - VIRTIO_BASE) < VIRTIO_SIZE) { virtio_store(pa - VIRTIO_BASE, size, value); return; }
  if ((pa - TEST_BASE) < TEST_SIZE) { test_store(pa - TEST_BASE, size, value); return; }
  bus_fault = true;
}
