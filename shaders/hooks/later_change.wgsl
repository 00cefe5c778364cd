// SPDX-License-Identifier: Apache-2.0
// GPU only: a change of the machine that is still to come (Engine::change_at() in src/engine/engine.h).

#import "hooks/word_change.wgsl"

var<private> later_kind: u32;
var<private> later_icount: dword;

fn later_change_load() {
  let at = vm * HOST_IO_WORDS;
  later_kind = host_io[at + HOST_CHANGE];
  later_icount = dword_make(host_io[at + HOST_CHANGE_ICOUNT], host_io[at + HOST_CHANGE_ICOUNT + 1u]);
}

// Makes it if the machine is there. False: it could not be made yet.
fn later_change_made() -> bool {
  if ((later_kind == WORD_NONE) || !dword_leu(later_icount, hart.icount)) {
    return true;
  }
  let at = vm * HOST_IO_WORDS;
  if (!word_change(later_kind, host_io[at + HOST_CHANGE_AT], host_io[at + HOST_CHANGE_KEEP], host_io[at + HOST_CHANGE_FLIP])) {
    return false;
  }
  later_kind = WORD_NONE;
  host_io[at + HOST_CHANGE] = WORD_NONE;
  return true;
}

fn later_change_limit(steps: u32) -> u32 {
  if (later_kind == WORD_NONE) {
    return steps;
  }
  let distance = dword_sub(later_icount, hart.icount);
  return select(min(steps, dword_lo(distance)), steps, dword_hi(distance) != 0u);
}
