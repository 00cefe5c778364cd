// SPDX-License-Identifier: Apache-2.0
// Shared module: the access context. What a translation depends on besides the address (translation on
// or off, effective privilege, SUM, MXR) is folded into the low 12 bits of a TLB tag, so that one compare
// decides a hit and no change of privilege flushes anything.
//
// Tag: page address | context. Bits 0 to 2 stay 0, so that a misaligned address, whose low bits are kept
// in the comparison, never hits.

const CONTEXT_VALID: u32 = 0x008u;       // a tag is never 0
const CONTEXT_TRANSLATED: u32 = 0x010u;  // satp applies
const CONTEXT_USER: u32 = 0x020u;
const CONTEXT_SUM: u32 = 0x040u;
const CONTEXT_MXR: u32 = 0x080u;

var<private> fetch_context: u32;
var<private> data_context: u32;

fn context_of(privilege: u32) -> u32 {
  if ((privilege == PRIV_M) || !satp_translates()) {
    return CONTEXT_VALID;
  }
  var context = CONTEXT_VALID | CONTEXT_TRANSLATED;
  if (privilege == PRIV_U) {
    context |= CONTEXT_USER;
  } else if ((hart.mstatus & MSTATUS_SUM) != 0u) {
    context |= CONTEXT_SUM;
  }
  if ((hart.mstatus & MSTATUS_MXR) != 0u) {
    context |= CONTEXT_MXR;
  }
  return context;
}

// poll() calls this: whoever changes priv, mstatus or satp requests a poll.
fn context_update() {
  fetch_context = context_of(hart.privilege) & ~(CONTEXT_SUM | CONTEXT_MXR);
  var privilege = hart.privilege;
  if ((hart.mstatus & MSTATUS_MPRV) != 0u) {
    privilege = (hart.mstatus & MSTATUS_MPP) >> 11u;
  }
  data_context = context_of(privilege);
}

// Privileged ISA 12.1.11. RV64 is Bare only.
fn satp_translates() -> bool {
  return (XLEN == 32u) && ((low(hart.satp) & SATP32_MODE) != 0u);
}
