// SPDX-License-Identifier: Apache-2.0
// GPU only: changes a word of the machine, between two instructions. The host has checked where it is.

#import "memory/paged.wgsl"
#import "mmu/context.wgsl"

// WORD_* says whether `at` is a word of the state or a physical address; the word becomes (word & keep) ^ flip. False:
// there is no page for it yet. Try again, unless the machine exits.
fn word_change(kind: u32, at: u32, keep: u32, flip: u32) -> bool {
  if (kind == WORD_RAM) {
    let word = ram_load(at);
    let changed = (word & keep) ^ flip;
    if (changed == word) {
      return true;
    }
    if (page_fold_private(page_number(at)) == 0u) {
      if (block_refusal == BLOCK_NONE) {
        exit_raise(EXIT_POOL_FULL, 1u, 0u);
        limit = step;
      }
      return false;
    }
    ram_store(at, changed, 0xffffffffu);
  } else if (kind == WORD_STATE) {
    if (state_change(at, keep, flip)) {
      // What is derived from the state follows.
      tlb_fold_all();
      fetch_page_tag = zext(0u);
      context_update();
      request_poll();
    }
  }
  return true;
}
