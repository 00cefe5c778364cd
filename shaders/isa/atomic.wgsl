// SPDX-License-Identifier: Apache-2.0
// Shared module: the A extension. Unprivileged ISA, chapter 14. One hart, so every access is atomic; aq
// and rl order nothing. A reservation is one aligned word or doubleword and ends with any sc, any trap
// and any return from one. Atomics reach RAM only: on a device they are access faults.

#import "mmu/access.wgsl"
#import "isa/fields.wgsl"

fn atomic_size(ins: u32) -> u32 {
  return (ins >> 12u) & 3u;
}

// The word, sign-extended, or the doubleword at pa.
fn atomic_load(pa: u32, size: u32) -> xlen {
  if (size == 3u) {
    return xlen_from_dword(dword_make(ram_load(pa), ram_load(pa + 4u)));
  }
  return sext(ram_load(pa));
}

fn atomic_store(pa: u32, size: u32, value: xlen) {
  ram_store(pa, low(value), 0xffffffffu);
  if (size == 3u) {
    ram_store(pa + 4u, dword_hi(dword_from_xlen(value)), 0xffffffffu);
  }
}

const ATOMIC_LR: u32 = 2u;  // funct5
const ATOMIC_SC: u32 = 3u;

// All of A. For an AMO, isa_amo(ins, m, b) is its row's semantics.
fn atomic_execute(ins: u32) {
  let operation = ins >> 27u;
  let size = atomic_size(ins);
  let va = hart.x[field_rs1(ins)];
  let is_load = operation == ATOMIC_LR;
  if (!access_aligned(va, size)) {
    trap_raise(select(CAUSE_MISALIGNED_STORE, CAUSE_MISALIGNED_LOAD, is_load), va);
    return;
  }
  let pa = access_address(va, select(ACCESS_STORE, ACCESS_LOAD, is_load));
  if (jumped) {
    return;
  }
  if (!ram_contains(pa)) {
    trap_raise(select(CAUSE_STORE_ACCESS, CAUSE_LOAD_ACCESS, is_load), va);
    return;
  }
  let source = hart.x[field_rs2(ins)];
  if (operation == ATOMIC_SC) {
    let held = (hart.lr_valid != 0u) && (hart.lr_address == pa);
    hart.lr_valid = 0u;
    if (held) {
      atomic_store(pa, size, source);
    }
    set_rd(ins, zext(select(1u, 0u, held)));
    return;
  }
  let old = atomic_load(pa, size);
  if (is_load) {
    hart.lr_valid = 1u;
    hart.lr_address = pa;
  } else {
    let operand = select(source, sext(low(source)), size == 2u);
    atomic_store(pa, size, isa_amo(ins, old, operand));
  }
  set_rd(ins, old);
}
