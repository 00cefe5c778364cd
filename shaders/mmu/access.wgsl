// SPDX-License-Identifier: Apache-2.0
// Shared module: loads and stores the long way. First access_address() (alignment, TLB or page walk), then
// access_load() or access_store() at the physical address: RAM or device. Engines have a fast way for TLB
// hits of their own and come here for the rest. `size` is log2 of the bytes, 0 to 3. When `jumped` is
// true afterwards, the access trapped or will be retried, and a result means nothing.

#import "mmu/tlb.wgsl"
#import "device/bus.wgsl"

fn access_aligned(va: xlen, size: u32) -> bool {
  return (low(va) & ((1u << size) - 1u)) == 0u;
}

// The physical address of a load, a store or (ACCESS_FETCH, size 2) a fetch.
fn access_address(va: xlen, size: u32, access: u32) -> u32 {
  jumped = false;
  if (!access_aligned(va, size)) {
    trap_raise(select(CAUSE_MISALIGNED_STORE, CAUSE_MISALIGNED_LOAD, access == ACCESS_LOAD), va);
    return 0u;
  }
  return tlb_address(va, access, select(data_context, fetch_context, access == ACCESS_FETCH));
}

// The bytes at pa, zero-extended; va is for the trap.
fn access_load(va: xlen, pa: u32, size: u32) -> xlen {
  var first = 0u;
  var second = 0u;
  if (ram_contains(pa)) {
    first = (ram_load(pa & 0xfffffffcu) >> ((pa & 3u) << 3u)) & access_mask(size);
    if ((XLEN == 64u) && (size == 3u)) {
      second = ram_load(pa + 4u);
    }
  } else {
    bus_fault = false;
    first = bus_load(pa, min(size, 2u));
    if ((XLEN == 64u) && (size == 3u) && !bus_fault) {
      second = bus_load(pa + 4u, 2u);
    }
    if (bus_fault && !jumped) {
      trap_raise(CAUSE_LOAD_ACCESS, va);
    }
  }
  return xlen_from_dword(dword_make(first, second));
}

fn access_store(va: xlen, pa: u32, size: u32, value: xlen) {
  let word = low(value) & access_mask(size);
  if (ram_contains(pa)) {
    let shift = (pa & 3u) << 3u;
    ram_store(pa & 0xfffffffcu, word << shift, access_mask(size) << shift);
    if ((XLEN == 64u) && (size == 3u) && !jumped) {
      ram_store(pa + 4u, high(value), 0xffffffffu);
    }
    if (!jumped && (machine.tohost != 0u) && ((pa & 0xfffffff8u) == machine.tohost)) {
      htif_stored();
    }
  } else {
    bus_fault = false;
    bus_store(pa, min(size, 2u), word);
    if ((XLEN == 64u) && (size == 3u) && !bus_fault && !jumped) {
      bus_store(pa + 4u, 2u, high(value));
    }
    if (bus_fault && !jumped) {
      trap_raise(CAUSE_STORE_ACCESS, va);
    }
  }
}

// The bits of a word that an access of up to four bytes takes.
fn access_mask(size: u32) -> u32 {
  return 0xffffffffu >> (32u - (8u << min(size, 2u)));
}

// HTIF: a non-zero low word of tohost is a message to the host.
fn htif_stored() {
  let message = ram_load(machine.tohost);
  if (message != 0u) {
    exit_raise(EXIT_HTIF, message, ram_load(machine.tohost + 4u));
  }
}
