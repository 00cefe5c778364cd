// SPDX-License-Identifier: Apache-2.0
// GPU only: a machine's permanent fault (Engine::set_stuck() in src/engine/engine.h). A machine with one is
// executed an instruction at a time, with stuck_hold() before each try.

#import "hooks/word_change.wgsl"

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
  if ((stuck_kind != WORD_NONE) && !word_change(stuck_kind, stuck_at, stuck_keep, stuck_flip)) {
    return false;
  }
  stuck_is_held = true;
  stuck_held_at = now;
  return true;
}
