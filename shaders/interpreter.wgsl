// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` runs machines, one an invocation.
//
// Bindings: memory/bindings.wgsl. Workgroup: WORKGROUP x 1 x 1, any number of workgroups; invocations
// beyond params.vm_count and machines that are not runnable return at once. An invocation owns its
// machine's words of state, page_map and console and its private pages; base is shared and read-only;
// control is shared and atomic.
//
// The machine lives in private variables while it runs. The loop's fast path is fetch, decode and execute
// for TLB hits; whatever else happens is noted in `slow` and done behind the switch, so that lanes meet
// again. Semantics come from isa/*.def (isa/tables.wgsl is generated from them).

#import "xlen/xlen.wgsl"
#import "isa/tables.wgsl"
#import "isa/fields.wgsl"
#import "isa/csr.wgsl"
#import "isa/system.wgsl"
#import "isa/atomic.wgsl"
#import "machine/poll.wgsl"
#import "machine/console.wgsl"
#import "memory/paged.wgsl"
#import "mmu/access.wgsl"

const WORKGROUP: u32 = 32u;

// Major opcodes, bits 6 to 2 of an instruction. Unprivileged ISA, table 72.
const OPCODE_LOAD: u32 = 0u;
const OPCODE_MISC_MEM: u32 = 3u;
const OPCODE_OP_IMM: u32 = 4u;
const OPCODE_AUIPC: u32 = 5u;
const OPCODE_OP_IMM_32: u32 = 6u;
const OPCODE_STORE: u32 = 8u;
const OPCODE_OP: u32 = 12u;
const OPCODE_LUI: u32 = 13u;
const OPCODE_OP_32: u32 = 14u;
const OPCODE_BRANCH: u32 = 24u;
const OPCODE_JALR: u32 = 25u;
const OPCODE_JAL: u32 = 27u;

// What is left to do behind the switch.
const SLOW_NONE: u32 = 0u;
const SLOW_LOAD: u32 = 1u;         // at slow_va
const SLOW_STORE: u32 = 2u;        // of rs2, at slow_va
const SLOW_MISALIGNED: u32 = 3u;   // a jump to slow_va
const SLOW_EXECUTE: u32 = 4u;      // everything else, illegal instructions too

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
  vm = invocation.x;
  if (vm >= params.vm_count) {
    return;
  }
  if (state[(STATE_RUN_STATE * params.vm_count) + vm] != EXIT_NONE) {
    return;
  }
  state_load();
  tlb_fold_all();
  budget = params.budget;
  run();
  state_store();
  atomicMax(&control[CONTROL_STEPS], params.budget - budget);
  if (machine.run_state != EXIT_NONE) {
    let entry = CONTROL_EXITS + (atomicAdd(&control[CONTROL_EXIT_COUNT], 1u) * EXIT_WORDS);
    atomicStore(&control[entry], vm);
    atomicStore(&control[entry + 1u], machine.run_state);
    atomicStore(&control[entry + 2u], machine.exit_arg0);
    atomicStore(&control[entry + 3u], machine.exit_arg1);
  }
  if (console_count != 0u) {
    atomicAdd(&control[CONTROL_CONSOLE_BYTES], console_count);
    atomicStore(&control[CONTROL_EXITS + (params.vm_count * EXIT_WORDS) + vm], console_count);
  }
}

fn run() {
  var pc = hart.pc;
  step = 0u;
  limit = 0u;
  loop {
    if (step == limit) {
      hart.pc = pc;
      if (!poll()) {
        break;
      }
      pc = hart.pc;
    }

    if (!eq(tlb_tag(pc, fetch_context), fetch_page_tag)) {
      if (!fetch_enter(pc)) {
        step += 1u;
        pc = hart.pc;
        continue;
      }
    }
    let ins = fold_word(fetch_page_fold, low(pc));

    let funct3 = (ins >> 12u) & 7u;
    let opcode = (ins >> 2u) & 31u;
    let a = hart.x[field_rs1(ins)];
    let b = hart.x[field_rs2(ins)];
    var next_pc = add(pc, zext(4u));
    var result = zext(0u);
    var writes = true;
    var slow = SLOW_NONE;
    var slow_va = zext(0u);
    isa_illegal = (ins & 3u) != 3u;

    switch (opcode) {
      case OPCODE_OP_IMM, OPCODE_OP: {
        let immediate = opcode == OPCODE_OP_IMM;
        result = isa_alu(ins, immediate, a, select(b, sext(imm_i(ins)), immediate));
      }
      case OPCODE_LOAD: {
        let va = add(a, sext(imm_i(ins)));
        let size = funct3 & 3u;
        let slot = tlb_slot(va);
        isa_illegal = isa_illegal || (((ISA_LOADS >> funct3) & 1u) == 0u);
        if (eq(access_tag(va, size), hart.load_tag[slot])) {
          result = isa_load(funct3, fold_load(load_fold[slot], low(va), size));
        } else {
          slow = SLOW_LOAD;
          slow_va = va;
        }
      }
      case OPCODE_STORE: {
        let va = add(a, sext(imm_s(ins)));
        let size = funct3 & 3u;
        let slot = tlb_slot(va);
        isa_illegal = isa_illegal || (((ISA_STORES >> funct3) & 1u) == 0u);
        writes = false;
        if (eq(access_tag(va, size), hart.store_tag[slot]) && !isa_illegal) {
          fold_store(store_fold[slot], low(va), size, b);
        } else {
          slow = SLOW_STORE;
          slow_va = va;
        }
      }
      case OPCODE_BRANCH: {
        writes = false;
        if (isa_branch(funct3, a, b)) {
          next_pc = add(pc, sext(imm_b(ins)));
        }
      }
      case OPCODE_JAL: {
        result = next_pc;
        next_pc = isa_jal(pc, sext(imm_j(ins)));
      }
      case OPCODE_JALR: {
        result = next_pc;
        isa_illegal = isa_illegal || (funct3 != 0u);
        next_pc = isa_jalr(a, sext(imm_i(ins)));
      }
      case OPCODE_LUI, OPCODE_AUIPC: {
        result = isa_upper(opcode, pc, sext(imm_u(ins)));
      }
      case OPCODE_MISC_MEM: {
        writes = false;
        isa_illegal = isa_illegal || (((ISA_FENCES >> funct3) & 1u) == 0u);
      }
      case OPCODE_OP_IMM_32, OPCODE_OP_32: {
        let immediate = opcode == OPCODE_OP_IMM_32;
        result = isa_alu_word(ins, immediate, a, select(b, sext(imm_i(ins)), immediate));
      }
      default: {
        slow = SLOW_EXECUTE;
      }
    }

    // Only jumps can leave next_pc misaligned.
    if ((low(next_pc) & 3u) != 0u) {
      slow = SLOW_MISALIGNED;
      slow_va = next_pc;
    }
    if (isa_illegal) {
      slow = SLOW_EXECUTE;
    }
    if (slow != SLOW_NONE) {
      hart.pc = pc;
      jumped = false;
      switch (slow) {
        case SLOW_LOAD: {
          result = isa_load(funct3, access_load(slow_va, funct3 & 3u));
        }
        case SLOW_STORE: {
          access_store(slow_va, funct3 & 3u, b);
        }
        case SLOW_MISALIGNED: {
          trap_raise(CAUSE_MISALIGNED_FETCH, slow_va);
        }
        default: {
          writes = false;
          if (isa_illegal) {
            trap_illegal(ins);
          } else {
            isa_slow(ins);
          }
        }
      }
      if (jumped) {
        writes = false;
        next_pc = hart.pc;
      }
    }
    if (writes && (field_rd(ins) != 0u)) {
      hart.x[field_rd(ins)] = result;
    }
    pc = next_pc;
    step += 1u;
  }
}

// Makes pc's page the one that instructions are fetched from. False: the fetch trapped.
fn fetch_enter(pc: xlen) -> bool {
  let slot = tlb_slot(pc);
  let tag = tlb_tag(pc, fetch_context);
  if (!eq(hart.fetch_tag[slot], tag)) {
    hart.pc = pc;
    jumped = false;
    let refill = tlb_refill(pc, ACCESS_FETCH, fetch_context);
    if (refill == REFILL_BUS) {
      trap_raise(CAUSE_FETCH_ACCESS, pc);
    }
    if (refill != REFILL_RAM) {
      return false;
    }
  }
  fetch_page_tag = tag;
  fetch_page_fold = fetch_fold[slot];
  return true;
}

// The tag that an access hits if it is aligned: a misaligned one keeps low bits that no tag has.
fn access_tag(va: xlen, size: u32) -> xlen {
  let kept = sext(0xfffff000u | ((1u << size) - 1u));
  return bit_or(bit_and(va, kept), zext(data_context));
}

// The bytes of an aligned access, zero-extended.
fn fold_load(fold: u32, va: u32, size: u32) -> xlen {
  let word = fold_word(fold, va);
  if (XLEN == 64u) {
    if (size == 3u) {
      return xlen_from_dword(dword_make(word, fold_word(fold, va + 4u)));
    }
  }
  return zext(extractBits(word, (va & 3u) << 3u, 8u << size));
}

fn fold_store(fold: u32, va: u32, size: u32, value: xlen) {
  let index = fold + ((va & 4095u) >> 2u);
  if (size >= 2u) {
    pool[index] = low(value);
    if (XLEN == 64u) {
      if (size == 3u) {
        pool[index + 1u] = high(value);
      }
    }
  } else {
    pool[index] = insertBits(pool[index], low(value), (va & 3u) << 3u, 8u << size);
  }
}
