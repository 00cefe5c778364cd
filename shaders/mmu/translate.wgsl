// SPDX-License-Identifier: Apache-2.0
// Shared module: address translation (Sv32). Privileged ISA, section 12.3; A and D bits are set by
// hardware. Physical addresses are 32 bits wide: what lies above is no memory, and an access fault.

#import "mmu/context.wgsl"

const ACCESS_FETCH: u32 = 0u;
const ACCESS_LOAD: u32 = 1u;
const ACCESS_STORE: u32 = 2u;

const PTE_V: u32 = 0x01u;
const PTE_R: u32 = 0x02u;
const PTE_W: u32 = 0x04u;
const PTE_X: u32 = 0x08u;
const PTE_U: u32 = 0x10u;
const PTE_A: u32 = 0x40u;
const PTE_D: u32 = 0x80u;

const NO_FAULT: u32 = 0xffffffffu;

// The cause of the last translation's fault, or NO_FAULT.
var<private> translate_fault: u32;
// Set while somebody only wants to know: A and D bits stay as they are.
var<private> translate_only_looks: bool;

fn fault_access(access: u32) -> u32 {
  switch (access) {
    case ACCESS_FETCH: { return CAUSE_FETCH_ACCESS; }
    case ACCESS_LOAD: { return CAUSE_LOAD_ACCESS; }
    default: { return CAUSE_STORE_ACCESS; }
  }
}

fn fault_page(access: u32) -> u32 {
  switch (access) {
    case ACCESS_FETCH: { return CAUSE_FETCH_PAGE_FAULT; }
    case ACCESS_LOAD: { return CAUSE_LOAD_PAGE_FAULT; }
    default: { return CAUSE_STORE_PAGE_FAULT; }
  }
}

// The physical address of `va`, or 0 with translate_fault set. Updates A and D in memory.
fn translate(va: xlen, access: u32, context: u32) -> u32 {
  translate_fault = NO_FAULT;
  if ((context & CONTEXT_TRANSLATED) == 0u) {
    if (high(va) != 0u) {
      translate_fault = fault_access(access);
      return 0u;
    }
    return low(va);
  }
  let address = low(va);
  var table_ppn = low(hart.satp) & SATP32_PPN;
  var shift = 22u;
  loop {
    // A page table above 4 GiB, or anywhere but in RAM, cannot be read.
    let pte_pa = (table_ppn << 12u) | (((address >> shift) & 1023u) << 2u);
    if ((table_ppn >= 0x100000u) || !ram_contains(pte_pa)) {
      translate_fault = fault_access(access);
      return 0u;
    }
    let pte = ram_load(pte_pa);
    let writable_only = (pte & (PTE_R | PTE_W)) == PTE_W;
    if (((pte & PTE_V) == 0u) || writable_only) {
      break;
    }
    if ((pte & (PTE_R | PTE_X)) == 0u) {
      // A pointer to the next level: there is one, and the bits meant for leaves are reserved.
      if ((shift == 12u) || ((pte & (PTE_U | PTE_A | PTE_D)) != 0u)) {
        break;
      }
      table_ppn = pte >> 10u;
      shift = 12u;
      continue;
    }
    if (!leaf_permits(pte, access, context)) {
      break;
    }
    var ppn = pte >> 10u;
    if (shift == 22u) {
      if ((ppn & 1023u) != 0u) {
        break;  // a misaligned superpage
      }
      ppn |= (address >> 12u) & 1023u;
    }
    if (ppn >= 0x100000u) {
      translate_fault = fault_access(access);
      return 0u;
    }
    let accessed = pte | (PTE_A | select(0u, PTE_D, access == ACCESS_STORE));
    if ((accessed != pte) && !translate_only_looks) {
      ram_store(pte_pa, accessed, 0xffffffffu);
    }
    return (ppn << 12u) | (address & 4095u);
  }
  translate_fault = fault_page(access);
  return 0u;
}

// Privileged ISA 12.3.2, steps 5 to 7: whether a leaf allows the access.
fn leaf_permits(pte: u32, access: u32, context: u32) -> bool {
  let user_page = (pte & PTE_U) != 0u;
  if ((context & CONTEXT_USER) != 0u) {
    if (!user_page) {
      return false;
    }
  } else if (user_page) {
    if ((access == ACCESS_FETCH) || ((context & CONTEXT_SUM) == 0u)) {
      return false;
    }
  }
  switch (access) {
    case ACCESS_FETCH: { return (pte & PTE_X) != 0u; }
    case ACCESS_LOAD: {
      let readable = PTE_R | select(0u, PTE_X, (context & CONTEXT_MXR) != 0u);
      return (pte & readable) != 0u;
    }
    default: { return (pte & PTE_W) != 0u; }
  }
}
