// SPDX-License-Identifier: Apache-2.0
// GPU only: a machine's permanent fault (Engine::set_stuck() in src/engine/engine.h). A machine with one is
// executed an instruction at a time, with stuck_hold() before each try. The host has checked where it is.

#import "memory/bindings.wgsl"

var<private> stuck_kind: u32;
var<private> stuck_at: u32;
var<private> stuck_keep: u32;
var<private> stuck_flip: u32;
// The step that it was held for: once, or an entry of the TLB that was just filled for a fetch would be lost again.
var<private> stuck_is_held: bool;
var<private> stuck_held_at: u32;

fn stuck_load() {
  let at = vm * HOST_IO_WORDS;
  stuck_kind = host_io[at + HOST_STUCK];
  stuck_at = host_io[at + HOST_STUCK_AT];
  stuck_keep = host_io[at + HOST_STUCK_KEEP];
  stuck_flip = host_io[at + HOST_STUCK_FLIP];
}

// False: not yet, and no instruction may be executed.
fn stuck_hold() -> bool {
  let now = dword_lo(icount_now());
  if (stuck_is_held && (stuck_held_at == now)) {
    return true;
  }
  if (stuck_kind == STUCK_RAM) {
    let word = ram_load(stuck_at);
    let held = (word & stuck_keep) ^ stuck_flip;
    if (held != word) {
      if (page_fold_private(page_number(stuck_at)) == 0u) {
        if (block_refusal == BLOCK_NONE) {
          exit_raise(EXIT_POOL_FULL, 1u, 0u);
          limit = step;
        }
        return false;
      }
      ram_store(stuck_at, held, 0xffffffffu);
    }
  } else if (stuck_kind == STUCK_STATE) {
    if (state_change(stuck_at, stuck_keep, stuck_flip)) {
      // What is derived from the state follows.
      tlb_fold_all();
      fetch_page_tag = zext(0u);
      context_update();
      request_poll();
    }
  }
  stuck_is_held = true;
  stuck_held_at = now;
  return true;
}
