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
  if ((XLEN == 64u) && (size == 3u)) {
    return xlen_from_dword(dword_make(ram_load(pa), ram_load(pa + 4u)));
  }
  return sext(ram_load(pa));
}

const ATOMIC_LR: u32 = 2u;  // funct5
const ATOMIC_SC: u32 = 3u;

// Which kind of access the address of an atomic is translated for.
fn atomic_access(ins: u32) -> u32 {
  return select(ACCESS_STORE, ACCESS_LOAD, (ins >> 27u) == ATOMIC_LR);
}

// What the last atomic stored, for whoever watches the machine.
var<private> atomic_stored: bool;
var<private> atomic_value: xlen;

// All of A, at the physical address that access_address() has found for rs1's. For an AMO,
// isa_amo(ins, m, b) is its row's semantics.
fn atomic_execute(ins: u32, pa: u32) {
  let operation = ins >> 27u;
  let size = atomic_size(ins);
  if (!ram_contains(pa)) {
    trap_raise(select(CAUSE_STORE_ACCESS, CAUSE_LOAD_ACCESS, operation == ATOMIC_LR), hart.x[field_rs1(ins)]);
    return;
  }
  let source = hart.x[field_rs2(ins)];
  let old = atomic_load(pa, size);
  var result = old;
  var value = source;
  var stores = true;
  switch (operation) {
    case ATOMIC_LR: {
      stores = false;
    }
    case ATOMIC_SC: {
      stores = (hart.lr_valid != 0u) && (hart.lr_address == pa);
      result = zext(select(1u, 0u, stores));
    }
    default: {
      value = isa_amo(ins, old, select(source, sext(low(source)), size == 2u));
    }
  }
  if (stores) {
    ram_store(pa, low(value), 0xffffffffu);
    if ((XLEN == 64u) && (size == 3u) && !jumped) {
      ram_store(pa + 4u, high(value), 0xffffffffu);
    }
  }
  atomic_stored = stores;
  atomic_value = value;
  if (!jumped) {
    if (operation == ATOMIC_LR) {
      hart.lr_valid = 1u;
      hart.lr_address = pa;
    } else if (operation == ATOMIC_SC) {
      hart.lr_valid = 0u;
    }
    set_rd(ins, result);
  }
}
