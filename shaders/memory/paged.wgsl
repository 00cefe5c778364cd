// SPDX-License-Identifier: Apache-2.0
// GPU only: guest RAM as pages that are zero or base (shared, read-only) or private (in the pool), and
// copy-on-write between them. The CPU engine's RAM is flat (src/engine/cpu/machine_core_class.h).
//
// A `fold` is where a page's words start: an index into the machine's pool (memory/blocks.wgsl), or, with FOLD_BASE,
// into base. The TLB keeps one beside each entry, so that a hit needs no page map. Every index comes from a page map
// entry and an offset below PAGE_BYTES.

#import "memory/bindings.wgsl"
#import "memory/copy_on_write.wgsl"
#import "mmu/tlb.wgsl"

const FOLD_BASE: u32 = 0x80000000u;

var<private> tlb_fold: array<u32, TLB_ENTRIES_ALL>;
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
  let block = page_map[(number * params.vm_count) + vm];
  if (block != 0u) {
    return block_fold(block, vm);
  }
  return FOLD_BASE | (base[params.base_map + number] << PAGE_WORD_SHIFT);
}

fn fold_word(fold: u32, offset: u32) -> u32 {
  if ((fold & FOLD_BASE) != 0u) {
    return base[(fold & ~FOLD_BASE) + ((offset & (PAGE_BYTES - 1u)) >> 2u)];
  }
  return pool_load(block_word(fold, offset));
}

// The fold of a page that may be stored to: copies it into the pool the first time. 0: there is no page for it,
// and block_refusal says why.
fn page_fold_private(number: u32) -> u32 {
  let fold = page_fold(number);
  if ((fold & FOLD_BASE) == 0u) {
    return fold;
  }
  let block = page_copy(vm, number);
  if (block == 0u) {
    return 0u;
  }
  let copy = block_fold(block, vm);
  page_moved(number, copy);
  return copy;
}

// A page got another fold: entries that fold it follow.
fn page_moved(number: u32, fold: u32) {
  let page = RAM_BASE + (number << 12u);
  let entries = opaque_count(TLB_ENTRIES_ALL);
  for (var i = 0u; i < entries; i++) {
    if (hart.tlb_page[i] == page) {
      tlb_fold[i] = fold;
    }
  }
  fetch_page_tag = zext(0u);
}

// The aligned word at pa, which is in RAM.
fn ram_load(pa: u32) -> u32 {
  return fold_word(page_fold(page_number(pa)), pa);
}

// Stores the bits of `value` that `mask` selects. Without a page for it, the instruction is retried: at once, or
// after the host has made room.
fn ram_store(pa: u32, value: u32, mask: u32) {
  let fold = page_fold_private(page_number(pa));
  if (fold == 0u) {
    retry();
    if (block_refusal == BLOCK_NONE) {
      exit_raise(EXIT_POOL_FULL, 1u, 0u);
    }
    return;
  }
  let index = block_word(fold, pa);
  pool_store(index, (pool_load(index) & ~mask) | (value & mask));
}

// Called when an entry was filled: where its page is. A store entry may fold a base page: the first store
// through it takes the slow path, which makes the page private.
fn tlb_filled(index: u32) {
  tlb_fold[index] = page_fold(page_number(hart.tlb_page[index]));
}

fn tlb_flushed() {
  fetch_page_tag = zext(0u);
}

// Folds every entry of a TLB that has just been loaded. Entries hold pages of RAM; one that the host made hold
// something else is dropped.
fn tlb_fold_all() {
  let entries = opaque_count(TLB_ENTRIES_ALL);
  for (var i = 0u; i < entries; i++) {
    hart.tlb_page[i] &= ~(PAGE_BYTES - 1u);
    if (ram_contains(hart.tlb_page[i])) {
      tlb_filled(i);
    } else {
      hart.tlb_tag[i] = zext(0u);
    }
  }
}
