// SPDX-License-Identifier: Apache-2.0
// Shared module: the architectural TLB: TLB_ENTRIES each for fetch, load and store, direct-mapped. It
// caches translations to RAM only. Engines keep, beside each entry, where the page's bytes are in their
// own memory ("fold"); tlb_filled() has the engine compute it.

#import "mmu/translate.wgsl"

var<private> tlb_flush_due: bool;

// The entry for a page: those of an access kind (ACCESS_*) follow each other.
fn tlb_index(va: xlen, access: u32) -> u32 {
  return (access * TLB_ENTRIES) | ((low(va) >> 12u) & (TLB_ENTRIES - 1u));
}

fn tlb_tag(va: xlen, context: u32) -> xlen {
  return bit_or(bit_and(va, sext(0xfffff000u)), zext(context));
}

// The physical address, by the TLB or by a walk that fills it. Raises the trap if there is none.
// `jumped` is false before; true afterwards: a trap was raised or the instruction will be retried.
fn tlb_address(va: xlen, access: u32, context: u32) -> u32 {
  let index = tlb_index(va, access);
  let tag = tlb_tag(va, context);
  if (eq(hart.tlb_tag[index], tag)) {
    return hart.tlb_page[index] | (low(va) & 4095u);
  }
  hook_tlb_miss(access);
  let pa = translate(va, access, context);
  if (translate_fault != NO_FAULT) {
    trap_raise(translate_fault, va);
  }
  // The page of HTIF's tohost is watched: its stores do not go past the engine's slow path.
  let page = pa & 0xfffff000u;
  let watched = (access == ACCESS_STORE) && (machine.tohost != 0u) && (page == (machine.tohost & 0xfffff000u));
  if (!jumped && ram_contains(pa) && !watched) {
    hart.tlb_tag[index] = tag;
    hart.tlb_page[index] = page;
    tlb_filled(index);
  }
  return pa;
}

// Flushes the TLB at the end of the instruction that is being executed.
fn tlb_flush() {
  tlb_flush_due = true;
  request_poll();
}

fn tlb_flush_if_due() {
  if (tlb_flush_due) {
    tlb_flush_due = false;
    for (var i = 0u; i < TLB_ENTRIES_ALL; i++) {
      hart.tlb_tag[i] = zext(0u);
      hart.tlb_page[i] = 0u;
    }
    tlb_flushed();
  }
}
