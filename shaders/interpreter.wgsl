// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` runs machines, one an invocation.
//
// Bindings: memory/bindings.wgsl. Workgroup: WORKGROUP x 1 x 1, any number of workgroups; invocations
// beyond params.vm_count and machines that are not runnable return at once. An invocation owns its
// machine's words of state, page_map and host_io and its private pages; base is shared and read-only;
// control is shared and atomic.
//
// The machine lives in private variables while it runs. run() alternates between two stages. The hot one
// fetches, decodes and executes as long as the TLB hits; what it cannot do it notes in `slow` and leaves.
// The slow one does that for every lane that has something, once. So lanes of a workgroup that need the
// slow stage at different steps enter it together, and adapters that execute both sides of a branch
// (SwiftShader does) are spared the slow code. A lane waits at most params.hot_steps for its neighbours there, and
// for those that are slower at the end of each window of params.window steps: machines that do alike stay side by
// side, or come to be so again.
// Semantics come from isa/*.def (isa/tables.wgsl is generated from them).
//
// hooks/hooks.wgsl is empty; the variant of this shader that watches machines (stop points, traces) puts
// hooks/debug.wgsl into its place.

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
#import "hooks/hooks.wgsl"

const JUMPS_AND_UPPERS: u32 = (1u << OPCODE_AUIPC) | (1u << OPCODE_LUI) | (1u << OPCODE_JALR) | (1u << OPCODE_JAL);

// Why the hot stage left. The first four need a physical address.
const SLOW_FETCH: u32 = 0u;
const SLOW_LOAD: u32 = 1u;
const SLOW_STORE: u32 = 2u;
const SLOW_ATOMIC: u32 = 3u;
const SLOW_MISALIGNED: u32 = 4u;  // a jump to slow_va
const SLOW_SYSTEM: u32 = 5u;
const SLOW_ILLEGAL: u32 = 6u;
const SLOW_NONE: u32 = 7u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
  vm = hook_machine(invocation.x);
  if (vm >= params.vm_count) {
    return;
  }
  if (state[(STATE_RUN_STATE * params.vm_count) + vm] != HOOK_RUNNABLE) {
    return;
  }
  pool_choose(vm);
  state_load();
  tlb_fold_all();
  host_io_load();
  let start = dword_lo(hart.icount);
  budget = steps_to_stop(params.budget + steps_owed());
  hook_enter();
  run();
  stop_if_there();
  state_store();
  host_io_store();
  hook_leave();
  atomicMax(&control[CONTROL_STEPS], dword_lo(hart.icount) - start);
  if (machine.run_state != EXIT_NONE) {
    let entry = CONTROL_EXITS + (atomicAdd(&control[CONTROL_EXIT_COUNT], 1u) * EXIT_WORDS);
    atomicStore(&control[entry], vm);
    atomicStore(&control[entry + 1u], machine.run_state);
    atomicStore(&control[entry + 2u], machine.exit_arg0);
    atomicStore(&control[entry + 3u], machine.exit_arg1);
    atomicStore(&control[entry + 4u], dword_lo(hart.icount));
    atomicStore(&control[entry + 5u], dword_hi(hart.icount));
  }
  if (console_count != 0u) {
    atomicAdd(&control[CONTROL_CONSOLE_BYTES], console_count);
    atomicStore(&control[CONTROL_EXITS + (params.vm_count * EXIT_WORDS) + vm], console_count);
  }
}

// What the hot stage left for the slow one: SLOW_*, the instruction, and the address if there is one.
var<private> slow: u32;
var<private> slow_ins: u32;
var<private> slow_va: xlen;

fn run() {
  step = 0u;
  limit = 0u;
  slow = SLOW_NONE;
  windows_left = params.windows;
  while (run_window()) {
    windows_left -= 1u;
  }
}

var<private> windows_left: u32;

// False when the run is over for this machine.
fn run_window() -> bool {
  let end = dword_lo(icount_now()) + params.window;
  for (var round = 0u; round < params.rounds; round++) {
    if (slow != SLOW_NONE) {
      hook_slow(slow_ins);
      execute_slow();
      slow = SLOW_NONE;
    }
    hook_after();
    if (windows_left == 0u) {
      // As if these had been all the steps of the dispatch: others need not wait for this machine.
      budget = step;
      limit = step;
    }
    let left = end - dword_lo(icount_now());
    if (left == 0u) {
      break;
    }
    if (step == limit) {
      if (!poll()) {
        return false;
      }
    }
    execute_fast(hook_before(min(min(limit - step, params.hot_steps), left)));
  }
  return true;
}

// The hot stage: executes `count` instructions, or until something is left for the slow stage.
//
// What is frequent comes first and what is alike shares its code: a lane alone pays for every branch on
// the way to its case, lanes together for every case that one of them has. A `for` loop of this form is
// known to end; to any other one the compiler adds a counter.
fn execute_fast(count: u32) {
  var pc = hart.pc;
  for (var i = 0u; i < count; i++) {
    let page_tag = tlb_tag(pc, fetch_context);
    if (!eq(page_tag, fetch_page_tag)) {
      let index = tlb_index(pc, ACCESS_FETCH);
      if (!eq(page_tag, hart.tlb_tag[index])) {
        slow = SLOW_FETCH;
        slow_va = pc;
        break;
      }
      fetch_page_tag = page_tag;
      fetch_page_fold = tlb_fold[index];
    }
    let ins = fold_word(fetch_page_fold, low(pc));
    let funct3 = (ins >> 12u) & 7u;
    let opcode = (ins >> 2u) & 31u;
    let a = hart.x[field_rs1(ins)];
    // Where there is no rs2 the lanes all read x0, rather than each what its immediate's bits say.
    let b = hart.x[select(0u, field_rs2(ins), isa_has_rs2(opcode))];
    var next_pc = add(pc, zext(4u));
    var result = zext(0u);
    var writes = field_rd(ins) != 0u;
    isa_illegal = (ins & 3u) != 3u;

    if ((opcode == OPCODE_OP_IMM) | (opcode == OPCODE_OP)) {
      let immediate = opcode == OPCODE_OP_IMM;
      result = isa_alu(ins, immediate, a, select(b, sext(imm_i(ins)), immediate));
    } else if (opcode == OPCODE_LOAD) {
      let va = add(a, sext(imm_i(ins)));
      let index = tlb_index(va, ACCESS_LOAD);
      isa_illegal = isa_illegal | (((ISA_LOADS >> funct3) & 1u) == 0u);
      if (eq(access_tag(va, funct3 & 3u), hart.tlb_tag[index])) {
        result = isa_load(funct3, fold_load(tlb_fold[index], low(va), funct3 & 3u));
      } else {
        slow = SLOW_LOAD;
        slow_va = va;
      }
    } else if (opcode == OPCODE_STORE) {
      let va = add(a, sext(imm_s(ins)));
      let index = tlb_index(va, ACCESS_STORE);
      let fold = tlb_fold[index];
      isa_illegal = isa_illegal | (((ISA_STORES >> funct3) & 1u) == 0u);
      writes = false;
      if (eq(access_tag(va, funct3 & 3u), hart.tlb_tag[index]) & (fold < FOLD_BASE) & !isa_illegal) {
        fold_store(fold, low(va), funct3 & 3u, b);
      } else {
        slow = SLOW_STORE;
        slow_va = va;
      }
    } else if (opcode == OPCODE_BRANCH) {
      writes = false;
      next_pc = select(next_pc, add(pc, sext(imm_b(ins))), isa_branch(funct3, a, b));
    } else if (((JUMPS_AND_UPPERS >> opcode) & 1u) != 0u) {
      let is_jal = opcode == OPCODE_JAL;
      let is_jalr = opcode == OPCODE_JALR;
      isa_illegal = isa_illegal | (is_jalr & (funct3 != 0u));
      result = select(isa_upper(opcode, pc, sext(imm_u(ins))), next_pc, is_jal | is_jalr);
      next_pc = select(next_pc, isa_jal(pc, sext(imm_j(ins))), is_jal);
      next_pc = select(next_pc, isa_jalr(a, sext(imm_i(ins))), is_jalr);
    } else if (opcode == OPCODE_MISC_MEM) {
      writes = false;
      isa_illegal = isa_illegal | (((ISA_FENCES >> funct3) & 1u) == 0u);
    } else if ((XLEN == 64u) & ((opcode == OPCODE_OP_IMM_32) | (opcode == OPCODE_OP_32))) {
      let immediate = opcode == OPCODE_OP_IMM_32;
      result = isa_alu_word(ins, immediate, a, select(b, sext(imm_i(ins)), immediate));
    } else {
      slow = select(SLOW_SYSTEM, SLOW_ATOMIC, opcode == OPCODE_AMO);
      slow_va = a;
    }

    // Only jumps can leave next_pc misaligned.
    let misaligned = (low(next_pc) & 3u) != 0u;
    if (isa_illegal | misaligned | (slow != SLOW_NONE)) {
      if (misaligned) {
        slow = SLOW_MISALIGNED;
        slow_va = next_pc;
      }
      if (isa_illegal) {
        slow = SLOW_ILLEGAL;
      }
      slow_ins = ins;
      break;
    }
    // A store into x0 costs less than a branch around it.
    hart.x[select(0u, field_rd(ins), writes)] = select(zext(0u), result, writes);
    hook_retire(pc, ins, next_pc);
    pc = next_pc;
    step += 1u;
  }
  hart.pc = pc;
}

// The slow stage: the one instruction at hart.pc, or the fetch of it.
fn execute_slow() {
  jumped = false;
  if ((slow == SLOW_ATOMIC) & !isa_is_amo(slow_ins)) {
    slow = SLOW_ILLEGAL;
  }
  let size = select((slow_ins >> 12u) & 3u, 2u, slow == SLOW_FETCH);
  var pa = 0u;
  if (slow <= SLOW_ATOMIC) {
    // SLOW_FETCH, SLOW_LOAD and SLOW_STORE are ACCESS_FETCH, ACCESS_LOAD and ACCESS_STORE.
    pa = access_address(slow_va, size, select(slow, atomic_access(slow_ins), slow == SLOW_ATOMIC));
  }
  if (!jumped) {
    switch (slow) {
      case SLOW_FETCH: {
        if (ram_contains(pa)) {
          fetch_page_tag = tlb_tag(slow_va, fetch_context);
          fetch_page_fold = tlb_fold[tlb_index(slow_va, ACCESS_FETCH)];
          return;  // the instruction itself comes with the hot stage
        }
        trap_raise(CAUSE_FETCH_ACCESS, slow_va);
      }
      case SLOW_LOAD: {
        let result = isa_load((slow_ins >> 12u) & 7u, access_load(slow_va, pa, size));
        if (!jumped) {
          set_rd(slow_ins, result);
        }
      }
      case SLOW_STORE: {
        access_store(slow_va, pa, size, hart.x[field_rs2(slow_ins)]);
      }
      case SLOW_ATOMIC: {
        atomic_execute(slow_ins, pa);
      }
      case SLOW_MISALIGNED: {
        trap_raise(CAUSE_MISALIGNED_FETCH, slow_va);
      }
      case SLOW_SYSTEM: {
        isa_slow(slow_ins);
      }
      default: {
        trap_illegal(slow_ins);
      }
    }
  }
  if (!jumped) {
    hart.pc = add(hart.pc, zext(4u));
  }
  step += 1u;
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
  return zext((word >> ((va & 3u) << 3u)) & access_mask(size));
}

fn fold_store(fold: u32, va: u32, size: u32, value: xlen) {
  let index = block_word(fold, va);
  if (size >= 2u) {
    pool_store(index, low(value));
    if (XLEN == 64u) {
      if (size == 3u) {
        pool_store(block_word(fold, va + 4u), high(value));
      }
    }
  } else {
    pool_store(index, insertBits(pool_load(index), low(value), (va & 3u) << 3u, 8u << size));
  }
}
