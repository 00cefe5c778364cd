// SPDX-License-Identifier: Apache-2.0
// GPU only: guest RAM as pages that are zero or base (shared, read-only) or private (in the pool), and
// copy-on-write between them. The CPU engine's RAM is flat (src/engine/cpu/machine_core_class.h).
//
// A `fold` is where a page's words start: an index into pool, or, with FOLD_BASE, into base. The TLB
// keeps one beside each entry, so that a hit needs no page map. Every index comes from a page map entry
// and an offset below PAGE_WORDS.

#import "memory/bindings.wgsl"
#import "mmu/tlb.wgsl"

const FOLD_BASE: u32 = 0x80000000u;
const PAGE_WORD_SHIFT: u32 = 10u;

var<private> fetch_fold: array<u32, TLB_ENTRIES>;
var<private> load_fold: array<u32, TLB_ENTRIES>;
var<private> store_fold: array<u32, TLB_ENTRIES>;
// The page that instructions are fetched from, without looking at the TLB: its tag and fold.
var<private> fetch_page_tag: xlen;
var<private> fetch_page_fold: u32;

fn ram_contains(pa: u32) -> bool {
  return (pa - RAM_BASE) < machine.ram_bytes;
}

fn page_number(pa: u32) -> u32 {
  return (pa - RAM_BASE) >> 12u;
}

fn page_fold(number: u32) -> u32 {
  let private_page = page_map[(number * params.vm_count) + vm];
  if (private_page != 0u) {
    return private_page << PAGE_WORD_SHIFT;
  }
  return FOLD_BASE | (base_map[number] << PAGE_WORD_SHIFT);
}

fn fold_word(fold: u32, offset: u32) -> u32 {
  let index = (fold & ~FOLD_BASE) + ((offset & 4095u) >> 2u);
  if ((fold & FOLD_BASE) != 0u) {
    return base[index];
  }
  return pool[index];
}

// The fold of a page that may be stored to: copies it into the pool the first time. 0: the pool is full.
fn page_fold_private(number: u32) -> u32 {
  let fold = page_fold(number);
  if ((fold & FOLD_BASE) == 0u) {
    return fold;
  }
  let page = atomicAdd(&control[CONTROL_POOL_NEXT], 1u);
  if (page >= params.pool_pages) {
    // Given back, so that the count stays small; the host grows the pool or stops the machine.
    atomicSub(&control[CONTROL_POOL_NEXT], 1u);
    return 0u;
  }
  let copy = page << PAGE_WORD_SHIFT;
  let original = fold & ~FOLD_BASE;
  for (var i = 0u; i < PAGE_WORDS; i++) {
    pool[copy + i] = base[original + i];
  }
  page_map[(number * params.vm_count) + vm] = page;
  page_moved(number, copy);
  return copy;
}

// A page got another fold: entries that fold it follow.
fn page_moved(number: u32, fold: u32) {
  let page = RAM_BASE + (number << 12u);
  for (var i = 0u; i < TLB_ENTRIES; i++) {
    if (hart.fetch_page[i] == page) {
      fetch_fold[i] = fold;
    }
    if (hart.load_page[i] == page) {
      load_fold[i] = fold;
    }
  }
  fetch_page_tag = zext(0u);
}

// The aligned word at pa, which is in RAM.
fn ram_load(pa: u32) -> u32 {
  return fold_word(page_fold(page_number(pa)), pa);
}

// Stores the bits of `value` that `mask` selects. Without a page for it, the instruction is retried
// after the host has made room.
fn ram_store(pa: u32, value: u32, mask: u32) {
  let fold = page_fold_private(page_number(pa));
  if (fold == 0u) {
    exit_retry(EXIT_POOL_FULL, 1u);
    return;
  }
  let index = fold + ((pa & 4095u) >> 2u);
  pool[index] = (pool[index] & ~mask) | (value & mask);
}

// Called as an entry is filled: where its page is. False: there is no page for a store, and the
// instruction will be retried.
fn tlb_folded(access: u32, slot: u32, page: u32) -> bool {
  let number = page_number(page);
  switch (access) {
    case ACCESS_FETCH: {
      fetch_fold[slot] = page_fold(number);
    }
    case ACCESS_LOAD: {
      load_fold[slot] = page_fold(number);
    }
    default: {
      let fold = page_fold_private(number);
      if (fold == 0u) {
        exit_retry(EXIT_POOL_FULL, 1u);
        return false;
      }
      store_fold[slot] = fold;
    }
  }
  return true;
}

fn tlb_flushed() {
  fetch_page_tag = zext(0u);
}

// Folds every entry of a TLB that has just been loaded. A store entry's page is private already, unless
// the state comes from another engine. Without a page for it the machine stops before its first step.
fn tlb_fold_all() {
  fetch_page_tag = zext(0u);
  for (var i = 0u; i < TLB_ENTRIES; i++) {
    if (ram_contains(hart.fetch_page[i])) {
      fetch_fold[i] = page_fold(page_number(hart.fetch_page[i]));
    }
    if (ram_contains(hart.load_page[i])) {
      load_fold[i] = page_fold(page_number(hart.load_page[i]));
    }
    if (ram_contains(hart.store_page[i])) {
      store_fold[i] = page_fold_private(page_number(hart.store_page[i]));
      if (store_fold[i] == 0u) {
        exit_raise(EXIT_POOL_FULL, 1u, 0u);
      }
    }
  }
}
