// SPDX-License-Identifier: Apache-2.0
// Shared module: the architectural TLB: TLB_ENTRIES each for fetch, load and store, direct-mapped. It
// caches translations to RAM only. Engines keep, beside each entry, where the page's bytes are in their
// own memory ("fold"); tlb_folded() has the engine compute it when an entry is filled.

#import "mmu/translate.wgsl"

const REFILL_RAM: u32 = 0u;     // the entry is filled
const REFILL_BUS: u32 = 1u;     // not RAM that can be cached: refill_pa is the address
const REFILL_STOP: u32 = 2u;    // a trap was raised, or the instruction will be retried

var<private> refill_pa: u32;
var<private> tlb_flush_due: bool;

fn tlb_slot(va: xlen) -> u32 {
  return (low(va) >> 12u) & (TLB_ENTRIES - 1u);
}

fn tlb_tag(va: xlen, context: u32) -> xlen {
  return bit_or(bit_and(va, sext(0xfffff000u)), zext(context));
}

// `jumped` is false before.
fn tlb_refill(va: xlen, access: u32, context: u32) -> u32 {
  refill_pa = translate(va, access, context);
  if (translate_fault != NO_FAULT) {
    trap_raise(translate_fault, va);
    return REFILL_STOP;
  }
  if (jumped) {
    return REFILL_STOP;  // no page for the A and D bits: retried
  }
  // The page of HTIF's tohost is watched: its stores do not go past the engine's slow path.
  let page = refill_pa & 0xfffff000u;
  let watched = (access == ACCESS_STORE) && (machine.tohost != 0u) && (page == (machine.tohost & 0xfffff000u));
  if (!ram_contains(refill_pa) || watched) {
    return REFILL_BUS;
  }
  let slot = tlb_slot(va);
  if (!tlb_folded(access, slot, page)) {
    return REFILL_STOP;
  }
  let tag = tlb_tag(va, context);
  switch (access) {
    case ACCESS_FETCH: {
      hart.fetch_tag[slot] = tag;
      hart.fetch_page[slot] = page;
    }
    case ACCESS_LOAD: {
      hart.load_tag[slot] = tag;
      hart.load_page[slot] = page;
    }
    default: {
      hart.store_tag[slot] = tag;
      hart.store_page[slot] = page;
    }
  }
  return REFILL_RAM;
}

// Flushes the TLB at the end of the instruction that is being executed.
fn tlb_flush() {
  tlb_flush_due = true;
  request_poll();
}

fn tlb_flush_if_due() {
  if (!tlb_flush_due) {
    return;
  }
  tlb_flush_due = false;
  for (var i = 0u; i < TLB_ENTRIES; i++) {
    hart.fetch_tag[i] = zext(0u);
    hart.load_tag[i] = zext(0u);
    hart.store_tag[i] = zext(0u);
    hart.fetch_page[i] = 0u;
    hart.load_page[i] = 0u;
    hart.store_page[i] = 0u;
  }
  tlb_flushed();
}
