// SPDX-License-Identifier: Apache-2.0
// The platform-level interrupt controller: SiFive's, "RISC-V Platform-Level Interrupt Controller
// Specification 1.0.0", with sources 1 to 31, priorities 0 to 7 and the contexts 0 (machine mode of
// hart 0) and 1 (its supervisor mode).
//
// All sources are level-triggered. As in QEMU (hw/intc/sifive_plic.c) a source is pending exactly while
// its line is high and it is not between claim and completion, so `plic.pending` follows from the
// devices and `plic.claimed`; poll() brings it up to date. Registers of sources and contexts that do not
// exist read 0 and ignore writes: a device tree written for QEMU (95 sources) works. Accesses other
// than 4 bytes are access faults.

#import "device/uart.wgsl"

const PLIC_PRIORITY: u32 = 0x0u;        // 4 bytes a source
const PLIC_PENDING: u32 = 0x1000u;      // a bit a source
const PLIC_ENABLE: u32 = 0x2000u;       // a bit a source; PLIC_ENABLE_STRIDE bytes a context
const PLIC_ENABLE_STRIDE: u32 = 0x80u;
const PLIC_THRESHOLD: u32 = 0x0u;       // within a context
const PLIC_CLAIM: u32 = 0x4u;           // within a context: read claims, write completes
const PLIC_PRIORITY_BITS: u32 = 0x7u;
const PLIC_SOURCE_BITS: u32 = 0xfffffffeu;  // source 0 does not exist

// The interrupt lines of all devices.
fn plic_levels() -> u32 {
  var lines = 0u;
  if (uart_irq()) { lines |= (1u << UART_IRQ); }
  return lines;
}

// Called by poll(): whatever may have moved a line (a device's registers, input from the host) has
// requested that.
fn plic_update() {
  plic.pending = plic_levels() & ~plic.claimed;
}

// The highest priority among the pending sources that a context has enabled and, of equals, the lowest
// number (section 1.1 and 8); 0 for none. A source of priority 0 never interrupts (section 4).
fn plic_best(context: u32) -> u32 {
  var candidates = plic.pending & plic.enabled[context];
  var best = 0u;
  var best_priority = 0u;
  while (candidates != 0u) {
    let source = firstTrailingBit(candidates);
    candidates &= (candidates - 1u);
    if (plic.priority[source] > best_priority) {
      best = source;
      best_priority = plic.priority[source];
    }
  }
  return best;
}

// Whether a context's external interrupt is raised: something above its threshold (section 7).
fn plic_pending(context: u32) -> bool {
  if ((plic.pending & plic.enabled[context]) == 0u) { return false; }
  let source = plic_best(context);
  return (source != 0u) && (plic.priority[source] > plic.threshold[context]);
}

// Section 8. The threshold does not matter for a claim.
fn plic_claim(context: u32) -> u32 {
  let source = plic_best(context);
  if (source != 0u) {
    plic.claimed |= (1u << source);
    request_poll();
  }
  return source;
}

// Section 9. The completion of a source that is not enabled for the context is ignored.
fn plic_complete(context: u32, source: u32) {
  if (source >= PLIC_SOURCES) { return; }
  if ((plic.enabled[context] & (1u << source)) == 0u) { return; }
  plic.claimed &= ~(1u << source);
  request_poll();
}

fn plic_load(offset: u32, size: u32) -> u32 {
  if (size != 2u) { bus_fault = true; return 0u; }
  if (offset < (PLIC_PRIORITY + (PLIC_SOURCES * 4u))) {
    return plic.priority[offset >> 2u];
  }
  if (offset == PLIC_PENDING) {
    return plic.pending;
  }
  if ((offset - PLIC_ENABLE) < (PLIC_CONTEXTS * PLIC_ENABLE_STRIDE)) {
    let within = offset - PLIC_ENABLE;
    if ((within & (PLIC_ENABLE_STRIDE - 1u)) == 0u) {
      return plic.enabled[within / PLIC_ENABLE_STRIDE];
    }
    return 0u;
  }
  if ((offset - PLIC_CONTEXT) < (PLIC_CONTEXTS * PLIC_CONTEXT_STRIDE)) {
    let context = (offset - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE;
    let reg = offset & (PLIC_CONTEXT_STRIDE - 1u);
    if (reg == PLIC_THRESHOLD) { return plic.threshold[context]; }
    if (reg == PLIC_CLAIM) { return plic_claim(context); }
  }
  return 0u;
}

fn plic_store(offset: u32, size: u32, value: u32) {
  if (size != 2u) { bus_fault = true; return; }
  if (offset < (PLIC_PRIORITY + (PLIC_SOURCES * 4u))) {
    if (offset != PLIC_PRIORITY) { plic.priority[offset >> 2u] = value & PLIC_PRIORITY_BITS; }
  } else if ((offset - PLIC_ENABLE) < (PLIC_CONTEXTS * PLIC_ENABLE_STRIDE)) {
    let within = offset - PLIC_ENABLE;
    if ((within & (PLIC_ENABLE_STRIDE - 1u)) == 0u) {
      plic.enabled[within / PLIC_ENABLE_STRIDE] = value & PLIC_SOURCE_BITS;
    }
  } else if ((offset - PLIC_CONTEXT) < (PLIC_CONTEXTS * PLIC_CONTEXT_STRIDE)) {
    let context = (offset - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE;
    let reg = offset & (PLIC_CONTEXT_STRIDE - 1u);
    if (reg == PLIC_THRESHOLD) { plic.threshold[context] = value & PLIC_PRIORITY_BITS; }
    if (reg == PLIC_CLAIM) { plic_complete(context, value); }
  }
  request_poll();
}
