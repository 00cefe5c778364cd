// SPDX-License-Identifier: Apache-2.0
// Shared module: loads and stores the long way: alignment, TLB or page walk, RAM or device. Engines have
// a fast way for TLB hits of their own and come here for the rest. `size` is log2 of the bytes, 0 to 3.
// If the access traps or is to be retried, `jumped` is true afterwards and the result means nothing.

#import "mmu/tlb.wgsl"
#import "device/bus.wgsl"

fn access_aligned(va: xlen, size: u32) -> bool {
  return (low(va) & ((1u << size) - 1u)) == 0u;
}

// The physical address, in RAM or not, or `jumped`.
fn access_address(va: xlen, access: u32) -> u32 {
  let slot = tlb_slot(va);
  let tag = tlb_tag(va, data_context);
  let offset = low(va) & 4095u;
  if (access == ACCESS_LOAD) {
    if (eq(hart.load_tag[slot], tag)) {
      return hart.load_page[slot] | offset;
    }
  } else if (eq(hart.store_tag[slot], tag)) {
    return hart.store_page[slot] | offset;
  }
  // A filled entry's address is refill_pa too.
  if (tlb_refill(va, access, data_context) == REFILL_STOP) {
    return 0u;
  }
  return refill_pa;
}

// The bytes at va, zero-extended.
fn access_load(va: xlen, size: u32) -> xlen {
  jumped = false;
  if (!access_aligned(va, size)) {
    trap_raise(CAUSE_MISALIGNED_LOAD, va);
    return zext(0u);
  }
  let pa = access_address(va, ACCESS_LOAD);
  if (jumped) {
    return zext(0u);
  }
  if (ram_contains(pa)) {
    if (size == 3u) {
      return xlen_from_dword(dword_make(ram_load(pa), ram_load(pa + 4u)));
    }
    let word = ram_load(pa & 0xfffffffcu) >> ((pa & 3u) << 3u);
    return zext(word & access_mask(size));
  }
  bus_fault = false;
  let word_size = min(size, 2u);
  let first = bus_load(pa, word_size);
  var second = 0u;
  if ((size == 3u) && !bus_fault) {
    second = bus_load(pa + 4u, word_size);
  }
  if (bus_fault && !jumped) {
    trap_raise(CAUSE_LOAD_ACCESS, va);
  }
  return xlen_from_dword(dword_make(first, second));
}

fn access_store(va: xlen, size: u32, value: xlen) {
  jumped = false;
  if (!access_aligned(va, size)) {
    trap_raise(CAUSE_MISALIGNED_STORE, va);
    return;
  }
  let pa = access_address(va, ACCESS_STORE);
  if (jumped) {
    return;
  }
  if (ram_contains(pa)) {
    let shift = (pa & 3u) << 3u;
    ram_store(pa & 0xfffffffcu, low(value) << shift, access_mask(size) << shift);
    if (size == 3u) {
      ram_store(pa + 4u, dword_hi(dword_from_xlen(value)), 0xffffffffu);
    }
    if ((machine.tohost != 0u) && ((pa & 0xfffffff8u) == machine.tohost)) {
      htif_stored();
    }
    return;
  }
  bus_fault = false;
  let word_size = min(size, 2u);
  bus_store(pa, word_size, low(value) & access_mask(word_size));
  if ((size == 3u) && !bus_fault && !jumped) {
    bus_store(pa + 4u, word_size, dword_hi(dword_from_xlen(value)));
  }
  if (bus_fault && !jumped) {
    trap_raise(CAUSE_STORE_ACCESS, va);
  }
}

// The bits of a word that an access of up to four bytes takes.
fn access_mask(size: u32) -> u32 {
  switch (size) {
    case 0u: { return 0xffu; }
    case 1u: { return 0xffffu; }
    default: { return 0xffffffffu; }
  }
}

// HTIF: a non-zero low word of tohost is a message to the host.
fn htif_stored() {
  let message = ram_load(machine.tohost);
  if (message != 0u) {
    exit_raise(EXIT_HTIF, message, ram_load(machine.tohost + 4u));
  }
}
