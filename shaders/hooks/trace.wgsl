// SPDX-License-Identifier: Apache-2.0
// Shared module: what a traced machine did, as records (src/engine/trace.h). The engine calls trace_begin()
// before an instruction, trace_end() after it if it was executed and raised nothing, and trace_trap() when a
// trap is entered; trace_put() is the engine's place for a record, which has room for it.

#import "hooks/operands.wgsl"
#import "isa/atomic.wgsl"
#import "isa/csr.wgsl"
#import "machine/trap.wgsl"

// What is wanted: a bit for each kind of record and each privilege level, and addresses from .. to ..
var<private> trace_kinds: u32;
var<private> trace_privileges: u32;
var<private> trace_pc_low: xlen;
var<private> trace_pc_high: xlen;

// The instruction that is being executed, as it was before.
var<private> trace_pending: bool;
var<private> trace_icount: dword;
var<private> trace_pc: xlen;
var<private> trace_privilege: u32;
var<private> trace_ins: u32;
var<private> trace_source: xlen;

fn trace_wanted(kind: u32) -> bool {
  return ((((trace_kinds >> kind) & (trace_privileges >> hart.privilege)) & 1u) != 0u) &&
    geu(hart.pc, trace_pc_low) && geu(trace_pc_high, hart.pc);
}

fn trace_begin(ins: u32) {
  trace_pending = trace_wanted(TRACE_COMMIT);
  if (trace_pending) {
    trace_icount = icount_now();
    trace_pc = hart.pc;
    trace_privilege = hart.privilege;
    trace_ins = ins;
    trace_source = hart.x[field_rs2(ins)];
    operands_find(ins);
  }
}

fn trace_end() {
  trace_pending = false;
  let opcode = (trace_ins >> 2u) & 31u;
  let funct3 = (trace_ins >> 12u) & 7u;
  var rd = field_rd(trace_ins);
  var va = zext(0u);
  var stored = zext(0u);
  var flags = 0u;
  if (operand_loads || operand_stores) {
    va = operand_va;
    flags = operand_size | select(0u, TRACE_LOADED, operand_loads);
    var stores = operand_stores;
    if (opcode == OPCODE_AMO) {
      stores = atomic_stored;
    }
    if (stores) {
      flags |= TRACE_STORED;
      stored = select(trace_source, atomic_value, opcode == OPCODE_AMO);
    }
  }
  if ((opcode == OPCODE_STORE) || ((opcode == OPCODE_BRANCH) || (opcode == OPCODE_MISC_MEM))) {
    rd = 0u;
  } else if (opcode == OPCODE_SYSTEM) {
    if (funct3 != 0u) {
      if (((funct3 & 3u) == 1u) || (field_rs1(trace_ins) != 0u)) {
        flags = TRACE_WROTE_CSR;
        stored = trace_csr(trace_ins >> 20u);
      }
    } else if (trace_ins == INS_ECALL) {
      // It retires when the machine itself answers the SBI: in a0 and a1.
      flags = TRACE_SBI;
      rd = 10u;
      stored = hart.x[11u];
    } else if ((trace_ins == INS_SRET) || (trace_ins == INS_MRET)) {
      flags = TRACE_WROTE_CSR;
      stored = csr_mstatus();
    }
  }
  let described = TRACE_COMMIT | ((trace_privilege << 8u) | ((rd << 16u) | (flags << 24u)));
  trace_put(trace_icount, trace_pc, hart.x[rd], va, stored, trace_ins, described);
}

// A CSR as it reads.
fn trace_csr(number: u32) -> xlen {
  csr_counter = counter_read(number);
  return csr_read(number);
}

const INS_ECALL: u32 = 0x00000073u;
const INS_SRET: u32 = 0x10200073u;
const INS_MRET: u32 = 0x30200073u;

// At an instruction boundary, with hart as it is before the trap. The count is that of the instruction that
// raised the exception, or that the interrupt came before.
fn trace_trap(code: u32, is_interrupt: bool, tval: xlen) {
  let kind = select(TRACE_EXCEPTION, TRACE_INTERRUPT, is_interrupt);
  if (trace_wanted(kind)) {
    let count = select(dword_sub(icount_now(), dword_make(1u, 0u)), icount_now(), is_interrupt);
    trace_put(count, hart.pc, tval, zext(0u), zext(0u), code, kind | (hart.privilege << 8u));
  }
}
