// SPDX-License-Identifier: Apache-2.0
// GPU only: compares the instructions of a machine with a path (Engine::compare_path() in src/engine/engine.h)
// and keeps the first that is not on it (HOST_PARTED).

#import "machine/time.wgsl"

// PATH_* of isa/constants.def.
@group(0) @binding(8) var<storage, read> path: array<u32>;

// Whether this machine is still on the path.
var<private> path_followed: bool;
// Of the next instruction, in the path.
var<private> path_index: u32;

fn path_load() {
  path_followed = (path[PATH_COUNT] != 0u) && (host_io[(vm * HOST_IO_WORDS) + HOST_PARTED] == 0u);
}

// Finds the next instruction's place.
fn path_find() {
  let distance = dword_sub(icount_now(), dword_make(path[PATH_FIRST], path[PATH_FIRST + 1u]));
  path_index = select(dword_lo(distance), 0xffffffffu, dword_hi(distance) != 0u);
}

// Compares the instruction at path_index.
fn path_compare(pc: xlen) {
  if (!path_followed || (path_index >= path[PATH_COUNT])) {
    return;
  }
  let expected = path[PATH_PCS + path_index];
  if ((expected == low(pc)) || (expected == PATH_ANY)) {
    return;
  }
  path_followed = false;
  let icount = dword_add_u32(dword_make(path[PATH_FIRST], path[PATH_FIRST + 1u]), path_index);
  let address = dword_from_xlen(pc);
  let at = vm * HOST_IO_WORDS;
  host_io[at + HOST_PARTED] = 1u;
  host_io[at + HOST_PARTED_AT] = dword_lo(icount);
  host_io[at + HOST_PARTED_AT + 1u] = dword_hi(icount);
  host_io[at + HOST_PARTED_PC] = dword_lo(address);
  host_io[at + HOST_PARTED_PC + 1u] = dword_hi(address);
}
