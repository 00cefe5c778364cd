// SPDX-License-Identifier: Apache-2.0
// The CPU engine's interpreter for one XLEN, included by interpreter_32.cpp and interpreter_64.cpp with
// ROOKERY_MACHINE_CORE, ROOKERY_INSN_TABLE, ROOKERY_FIND_XLEN and ROOKERY_MAKE set.
//
// Fast path only: instructions are decoded once a page of RAM into an array of DecodedInsn and executed
// by threaded dispatch (a handler jumps to the next one's). Loads and stores that hit the TLB are done in
// place, through DataEntry, the engine's copy of the architectural TLB's entries with a host pointer.
// Everything else calls the machine core. The semantics of each row come from isa/*.def.
//
// Counting costs nothing per instruction: `origin` is kept so that ip - origin is the number of steps made;
// only a taken branch moves it. Near the limit of a run (less than a page of straight code away)
// run_exactly() takes over and counts every step.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "device/uart/uart.h"
#include "engine/cpu/cpu_machine.h"
#include "engine/cpu/guest_ram.h"
#include "engine/cpu/machine_core.h"
#include "isa/decode.h"

namespace rookery::cpu {
namespace {

// What a decoded instruction does: one operation for each row, and some more.
enum class Op : u8 {
#define INSN(name, ...) row_##name,
#include ROOKERY_INSN_TABLE
  undecoded,      // decode it, then execute it
  illegal,
  page_end,       // behind a page's last instruction: go on with the next page
  near_beq,       // branches and jumps to an instruction of the same page
  near_bne,
  near_blt,
  near_bge,
  near_bltu,
  near_bgeu,
  near_jal,
  count
};

struct DecodedInsn {
  const void* handler;
  i32 imm;  // near_*: distance in bytes of DecodedInsn; SLOW, AMO and illegal ones: the instruction word
  u8 rd;
  u8 rs1;
  u8 rs2;
  Op op;
};
static_assert(sizeof(DecodedInsn) == 16);

struct DecodedPage {
  std::array<DecodedInsn, PAGE_WORDS + 1> insns;  // and Op::page_end
  u32 page_pa;
};

class Interpreter final : public CpuMachine, private ROOKERY_MACHINE_CORE {
 public:
  using xlen = ROOKERY_MACHINE_CORE::xlen;

  explicit Interpreter(u32 ram_bytes) : memory_(ram_bytes) {
    ROOKERY_MACHINE_CORE::ram = memory_.data();
    machine.ram_bytes = ram_bytes;
    page_flags.assign(ram_bytes / PAGE_BYTES, 0);
    decoded_.resize(ram_bytes / PAGE_BYTES);
    run_threaded(&handlers_);
  }

  bool valid() const { return memory_.data() != nullptr; }

  u64 run(u64 max_steps) override {
    const u64 start = hart.icount;
    u64 made = 0;
    while (made < max_steps) {
      budget = static_cast<u32>(std::min<u64>(max_steps - made, u64{1} << 30));
      step = 0;
      while (poll()) {
        forget_what_changed();
        while (step < limit) {
          if (limit - step > PAGE_WORDS + 1) {
            guard_ = limit - PAGE_WORDS - 1;
            run_threaded(nullptr);
          } else {
            run_exactly();
          }
        }
      }
      forget_what_changed();
      made = hart.icount - start;
      if (machine.run_state != EXIT_NONE) break;
    }
    return made;
  }

  void resume() override { machine.run_state = EXIT_NONE; }

  MachineState state() const override { return static_cast<const State<xlen>&>(*this); }

  void set_state(const MachineState& state) override {
    const u32 ram_bytes = machine.ram_bytes;
    static_cast<State<xlen>&>(*this) = std::get<State<xlen>>(state);
    machine.ram_bytes = ram_bytes;
    exception_raised = false;
    tlb_flush_due = false;
    clear_entries();
  }

  std::span<u8> ram() override { return {memory_.data(), memory_.size()}; }

  void ram_changed(u32 offset, u64 bytes) override {
    for (u64 page = offset / PAGE_BYTES; page * PAGE_BYTES < offset + bytes; ++page) {
      page_flags[page] |= kPageDirty;
      if (decoded_[page] != nullptr) drop_page(static_cast<u32>(page));
    }
  }

  std::string take_console() override { return std::exchange(console, {}); }

  u32 push_input(std::span<const u8> bytes) override { return device::uart_push_input(uart, bytes); }

  u64 dirty_pages() const override {
    return static_cast<u64>(
        std::count_if(page_flags.begin(), page_flags.end(), [](u8 flags) { return (flags & kPageDirty) != 0; }));
  }

 private:
  // A TLB entry with where its page is: addend + virtual address = host address.
  struct DataEntry {
    xlen tag = 0;
    uintptr_t addend = 0;
  };
  struct FetchEntry {
    xlen tag = 0;
    DecodedPage* page = nullptr;
  };

  static u32 slot_of(xlen va) { return (low(va) >> 12) & (TLB_ENTRIES - 1); }

  // The tag that an aligned access of `bytes` hits; a misaligned one's differs in its low bits.
  static xlen access_tag(xlen va, u32 bytes, xlen context) {
    return (va & (~xlen{PAGE_BYTES - 1} | (bytes - 1))) | context;
  }

  // --- Decoded instructions ---

  // The page whose instructions start at pc's page, or null: the fetch trapped.
  DecodedPage* fetch_page(xlen pc) {
    const u32 slot = slot_of(pc);
    const xlen tag = tlb_tag(pc, fetch_context);
    if (fetch_[slot].tag == tag) return fetch_[slot].page;
    jumped = false;
    if (hart.fetch_tag[slot] != tag) {
      const u32 refill = tlb_refill(pc, ACCESS_FETCH, fetch_context);
      if (refill == REFILL_BUS) trap_raise(CAUSE_FETCH_ACCESS, pc);
      if (refill != REFILL_RAM) return nullptr;
    }
    tlb_was_refilled = false;
    DecodedPage* page = decoded_page(hart.fetch_page[slot]);
    fetch_[slot] = {tag, page};
    return page;
  }

  DecodedPage* decoded_page(u32 page_pa) {
    const u32 index = (page_pa - RAM_BASE) / PAGE_BYTES;
    if (decoded_[index] == nullptr) {
      auto page = std::make_unique_for_overwrite<DecodedPage>();
      page->insns.fill({handler(Op::undecoded), 0, 0, 0, 0, Op::undecoded});
      page->insns[PAGE_WORDS] = {handler(Op::page_end), 0, 0, 0, 0, Op::page_end};
      page->page_pa = page_pa;
      decoded_[index] = std::move(page);
      // From now on stores to it have to come through ram_store().
      page_flags[index] |= kPageDecoded;
      for (u32 slot = 0; slot < TLB_ENTRIES; ++slot) {
        if (hart.store_page[slot] == page_pa) store_[slot].tag = 0;
      }
    }
    return decoded_[index].get();
  }

  const void* handler(Op op) const { return handlers_[static_cast<u32>(op)]; }

  void decode(const DecodedPage& page, DecodedInsn& insn) const {
    const auto index = static_cast<i32>(&insn - page.insns.data());
    const u32 word = ram_load(page.page_pa + static_cast<u32>(index) * 4);
    const Row* row = find_row(ROOKERY_FIND_XLEN, word);
    insn.rd = static_cast<u8>((word >> 7) & 31);
    insn.rs1 = static_cast<u8>((word >> 15) & 31);
    insn.rs2 = static_cast<u8>((word >> 20) & 31);
    insn.imm = static_cast<i32>(word);
    insn.op = Op::illegal;
    if (row != nullptr) {
      insn.op = static_cast<Op>(row - rows(ROOKERY_FIND_XLEN).data());
      if (row->kind != Kind::SLOW && row->kind != Kind::AMO) insn.imm = immediate(row->format, word);
      // An ALU instruction without a destination does nothing.
      if (row->kind == Kind::ALU && insn.rd == 0) insn.op = Op::row_fence;
      if (row->kind == Kind::BRANCH || row->kind == Kind::JAL) {
        const i32 target = index + insn.imm / 4;
        if (insn.imm % 4 == 0 && target >= 0 && target < static_cast<i32>(PAGE_WORDS)) {
          insn.op = near(insn.op);
          insn.imm = insn.imm / 4 * static_cast<i32>(sizeof(DecodedInsn));
        }
      }
    }
    insn.handler = handler(insn.op);
  }

  static Op near(Op op) {
    switch (op) {
      case Op::row_beq: return Op::near_beq;
      case Op::row_bne: return Op::near_bne;
      case Op::row_blt: return Op::near_blt;
      case Op::row_bge: return Op::near_bge;
      case Op::row_bltu: return Op::near_bltu;
      case Op::row_bgeu: return Op::near_bgeu;
      default: return Op::near_jal;
    }
  }

  // Decoded instructions that were overwritten, and entries that are no longer the TLB's.
  void forget_what_changed() {
    if (tlb_was_flushed) {
      tlb_was_flushed = false;
      clear_entries();
    }
    for (const u32 pa : decoded_words_stored) {
      const u32 page = (pa - RAM_BASE) / PAGE_BYTES;
      if (decoded_[page] == nullptr) continue;
      if (decoded_[page].get() == executing_) {
        executing_->insns[(pa % PAGE_BYTES) / 4] = {handler(Op::undecoded), 0, 0, 0, 0, Op::undecoded};
      } else {
        drop_page(page);  // most likely reused for data
      }
    }
    decoded_words_stored.clear();
  }

  void drop_page(u32 page) {
    for (FetchEntry& entry : fetch_) {
      if (entry.page == decoded_[page].get()) entry = {};
    }
    if (executing_ == decoded_[page].get()) executing_ = nullptr;
    decoded_[page].reset();
    page_flags[page] &= static_cast<u8>(~kPageDecoded);
  }

  void clear_entries() {
    load_.fill({});
    store_.fill({});
    fetch_.fill({});
  }

  // Brings the engine's copies of the entries for va up to date after the core has walked for it.
  void refresh_entries(xlen va) {
    tlb_was_refilled = false;
    const u32 slot = slot_of(va);
    const xlen page_va = va & ~xlen{PAGE_BYTES - 1};
    const xlen tag = tlb_tag(va, data_context);
    if (hart.load_tag[slot] == tag) load_[slot] = {tag, host_page(hart.load_page[slot]) - page_va};
    if (hart.store_tag[slot] == tag) {
      u8& flags = page_flags[(hart.store_page[slot] - RAM_BASE) / PAGE_BYTES];
      flags |= kPageDirty;
      store_[slot] = {(flags & kPageDecoded) == 0 ? tag : 0, host_page(hart.store_page[slot]) - page_va};
    }
  }

  uintptr_t host_page(u32 page_pa) const { return reinterpret_cast<uintptr_t>(ROOKERY_MACHINE_CORE::ram + (page_pa - RAM_BASE)); }

  // After a call of the core for the instruction at hart.pc: true if the run goes on right behind it.
  bool retire_slow() {
    if (!decoded_words_stored.empty()) forget_what_changed();
    if (tlb_was_refilled) {  // for an address that the caller does not know: lr, sc
      tlb_was_refilled = false;
      load_.fill({});
      store_.fill({});
    }
    step += 1;
    if (!jumped) hart.pc = add(hart.pc, 4);
    return step < limit;
  }

  template <u32 kBytes>
  static xlen load_host(uintptr_t address) {
    if constexpr (kBytes == 1) return *reinterpret_cast<const u8*>(address);
    if constexpr (kBytes == 2) return read_host<u16>(address);
    if constexpr (kBytes == 4) return read_host<u32>(address);
    return static_cast<xlen>(read_host<u64>(address));
  }
  template <class T>
  static T read_host(uintptr_t address) {
    T value;
    std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
    return value;
  }
  template <u32 kBytes>
  static void store_host(uintptr_t address, xlen value) {
    std::memcpy(reinterpret_cast<void*>(address), &value, kBytes);
  }

  static constexpr u32 log2_bytes(u32 bytes) { return static_cast<u32>(std::countr_zero(bytes)); }
  // funct3 of a load or store: its low two bits are log2 of the bytes.
  static constexpr u32 bytes_of(u32 match) { return 1u << ((match >> 12) & 3u); }

  // Executes from hart.pc until at least guard_ steps are made or something needs the core's attention.
  // hart.pc and step are right again on return. With `handlers` it only says where the handlers are.
  __attribute__((noinline)) void run_threaded(const void* const** handlers);

  // Executes one instruction, however close the limit.
  __attribute__((noinline)) void run_exactly();

  GuestRam memory_;
  const void* const* handlers_ = nullptr;
  u32 guard_ = 0;
  std::array<DataEntry, TLB_ENTRIES> load_;
  std::array<DataEntry, TLB_ENTRIES> store_;
  std::array<FetchEntry, TLB_ENTRIES> fetch_;
  std::vector<std::unique_ptr<DecodedPage>> decoded_;  // by page of RAM
  DecodedPage* executing_ = nullptr;
};

// --- The rows, as code. BEGIN, NEXT, SLOW_EXIT, JUMP and NEAR are the two loops' own. ---

#define OPERAND_R x[ip->rs2]
#define OPERAND_I static_cast<xlen>(static_cast<signed_xlen>(ip->imm))
#define OPERAND_SHIFT OPERAND_I
#define OPERAND_U OPERAND_I

#define ROW_ALU(name, format, match, ...)                \
  BEGIN(row_##name) {                                    \
    [[maybe_unused]] const xlen a = x[ip->rs1];          \
    [[maybe_unused]] const xlen b = OPERAND_##format;    \
    [[maybe_unused]] const xlen pc = PC();               \
    x[ip->rd] = __VA_ARGS__;                             \
    NEXT();                                              \
  }
#define ROW_BRANCH(name, format, match, ...)             \
  BEGIN(row_##name) {                                    \
    const xlen a = x[ip->rs1];                           \
    const xlen b = x[ip->rs2];                           \
    if (__VA_ARGS__) JUMP(PC() + OPERAND_I);             \
    NEXT();                                              \
  }                                                      \
  BEGIN(near_##name) {                                   \
    const xlen a = x[ip->rs1];                           \
    const xlen b = x[ip->rs2];                           \
    if (__VA_ARGS__) NEAR();                             \
    NEXT();                                              \
  }
#define ROW_JAL(name, format, match, ...)                \
  BEGIN(row_##name) {                                    \
    const xlen pc = PC();                                \
    const xlen b = OPERAND_I;                            \
    const xlen to = __VA_ARGS__;                         \
    if ((to & 3) == 0 && ip->rd != 0) x[ip->rd] = pc + 4; \
    JUMP(to);                                            \
  }                                                      \
  BEGIN(near_##name) {                                   \
    if (ip->rd != 0) x[ip->rd] = PC() + 4;               \
    NEAR();                                              \
  }
#define ROW_JALR(name, format, match, ...)               \
  BEGIN(row_##name) {                                    \
    const xlen a = x[ip->rs1];                           \
    const xlen b = OPERAND_I;                            \
    const xlen to = __VA_ARGS__;                         \
    if ((to & 3) == 0 && ip->rd != 0) x[ip->rd] = PC() + 4; \
    JUMP(to);                                            \
  }
#define ROW_LOAD(name, format, match, ...)                                    \
  BEGIN(row_##name) {                                                         \
    constexpr u32 kBytes = bytes_of(match);                                   \
    const xlen va = x[ip->rs1] + OPERAND_I;                                   \
    const DataEntry& entry = load_[slot_of(va)];                              \
    if (access_tag(va, kBytes, context) == entry.tag) [[likely]] {            \
      const xlen m = load_host<kBytes>(entry.addend + va);                    \
      x[ip->rd] = __VA_ARGS__;                                                \
      x[0] = 0;                                                               \
      NEXT();                                                                 \
    }                                                                         \
    SYNC();                                                                   \
    const xlen m = access_load(va, log2_bytes(kBytes));                       \
    if (!jumped) {                                                            \
      x[ip->rd] = __VA_ARGS__;                                                \
      x[0] = 0;                                                               \
      refresh_entries(va);                                                    \
    }                                                                         \
    SLOW_EXIT();                                                              \
  }
#define ROW_STORE(name, format, match, ...)                                   \
  BEGIN(row_##name) {                                                         \
    constexpr u32 kBytes = bytes_of(match);                                   \
    const xlen va = x[ip->rs1] + OPERAND_I;                                   \
    const xlen b = x[ip->rs2];                                                \
    const DataEntry& entry = store_[slot_of(va)];                             \
    if (access_tag(va, kBytes, context) == entry.tag) [[likely]] {            \
      store_host<kBytes>(entry.addend + va, __VA_ARGS__);                     \
      NEXT();                                                                 \
    }                                                                         \
    SYNC();                                                                   \
    access_store(va, log2_bytes(kBytes), b);                                  \
    if (!jumped) refresh_entries(va);                                         \
    SLOW_EXIT();                                                              \
  }
#define ROW_AMO(name, format, match, ...)                \
  BEGIN(row_##name) {                                    \
    const u32 ins = static_cast<u32>(ip->imm);           \
    const xlen va = x[ip->rs1];                          \
    SYNC();                                              \
    jumped = false;                                      \
    atomic_execute(ins);                                 \
    if (!jumped) refresh_entries(va);                    \
    SLOW_EXIT();                                         \
  }
#define ROW_SLOW(name, format, match, ...)                      \
  BEGIN(row_##name) {                                           \
    [[maybe_unused]] const u32 ins = static_cast<u32>(ip->imm); \
    SYNC();                                                     \
    jumped = false;                                             \
    __VA_ARGS__;                                                \
    SLOW_EXIT();                                                \
  }
#define ROW_NOP(name, format, match, ...) \
  BEGIN(row_##name) { NEXT(); }

#define SYNC()       \
  do {               \
    hart.pc = PC();  \
    step = STEPS();  \
  } while (false)

void Interpreter::run_threaded(const void* const** handlers) {
  static const void* const kHandlers[] = {
#define INSN(name, ...) &&handle_row_##name,
#include ROOKERY_INSN_TABLE
      &&handle_undecoded, &&handle_illegal,  &&handle_page_end, &&handle_near_beq,  &&handle_near_bne,
      &&handle_near_blt,  &&handle_near_bge, &&handle_near_bltu, &&handle_near_bgeu, &&handle_near_jal,
  };
  static_assert(std::size(kHandlers) == static_cast<size_t>(Op::count));
  if (handlers != nullptr) {
    *handlers = kHandlers;
    return;
  }

  xlen* const x = hart.x.data();
  const xlen context = data_context;
  const xlen fetch_tag_bits = fetch_context;
  const uintptr_t guard = uintptr_t{guard_} * sizeof(DecodedInsn);
  xlen page_va;
  xlen target;
  DecodedInsn* base;
  DecodedInsn* ip;
  uintptr_t origin;  // ip - origin, in bytes, counts the steps made
  uintptr_t steps;

#define STEPS_BYTES() (reinterpret_cast<uintptr_t>(ip) - origin)
#define STEPS() static_cast<u32>(STEPS_BYTES() / sizeof(DecodedInsn))
#define PC() (page_va + static_cast<xlen>((reinterpret_cast<uintptr_t>(ip) - reinterpret_cast<uintptr_t>(base)) / 4))
#define BEGIN(op) handle_##op:
#define NEXT()          \
  do {                  \
    ++ip;               \
    goto* ip->handler;  \
  } while (false)
#define JUMP(pc_value)  \
  do {                  \
    target = (pc_value); \
    goto jump;          \
  } while (false)
#define NEAR()                                                                        \
  do {                                                                                \
    origin += static_cast<uintptr_t>(i64{ip->imm}) - sizeof(DecodedInsn);             \
    ip = reinterpret_cast<DecodedInsn*>(reinterpret_cast<uintptr_t>(ip) + static_cast<uintptr_t>(i64{ip->imm})); \
    if (STEPS_BYTES() >= guard) [[unlikely]] goto leave;                              \
    goto* ip->handler;                                                                \
  } while (false)
#define SLOW_EXIT()                   \
  do {                                \
    if (!retire_slow()) return;       \
    NEXT();                           \
  } while (false)

  target = hart.pc;
  steps = uintptr_t{step} * sizeof(DecodedInsn);
  goto enter_page;

jump:
  // From the instruction at ip to `target`, which can be anywhere.
  if ((target & 3) != 0) [[unlikely]] {
    SYNC();
    trap_raise(CAUSE_MISALIGNED_FETCH, target);
    step += 1;
    return;
  }
  steps = STEPS_BYTES() + sizeof(DecodedInsn);
  if ((target ^ page_va) < PAGE_BYTES) {
    ip = base + (target % PAGE_BYTES) / 4;
    origin = reinterpret_cast<uintptr_t>(ip) - steps;
    if (steps >= guard) [[unlikely]] goto leave;
    goto* ip->handler;
  }
enter_page : {
  const FetchEntry& entry = fetch_[slot_of(target)];
  DecodedPage* page = entry.page;
  if (((target & ~xlen{PAGE_BYTES - 1}) | fetch_tag_bits) != entry.tag) [[unlikely]] {
    hart.pc = target;
    step = static_cast<u32>(steps / sizeof(DecodedInsn));
    if (step >= limit) return;  // the fetch itself must wait for the poll
    page = fetch_page(target);
    if (page == nullptr) {
      step += 1;
      return;
    }
  }
  executing_ = page;
  base = page->insns.data();
  page_va = target & ~xlen{PAGE_BYTES - 1};
  ip = base + (target % PAGE_BYTES) / 4;
  origin = reinterpret_cast<uintptr_t>(ip) - steps;
  if (steps >= guard) [[unlikely]] goto leave;
  goto* ip->handler;
}

leave:
  SYNC();
  return;

#define INSN(name, format, match, mask, kind, ...) ROW_##kind(name, format, match, __VA_ARGS__)
#include ROOKERY_INSN_TABLE

  BEGIN(undecoded) {
    decode(*executing_, *ip);
    goto* ip->handler;
  }
  BEGIN(illegal) {
    SYNC();
    jumped = false;
    trap_illegal(static_cast<u32>(ip->imm));
    SLOW_EXIT();
  }
  BEGIN(page_end) {
    // Not an instruction: nothing is counted.
    target = page_va + PAGE_BYTES;
    steps = STEPS_BYTES();
    goto enter_page;
  }

#undef STEPS
#undef PC
#undef BEGIN
#undef NEXT
#undef JUMP
#undef NEAR
#undef SLOW_EXIT
}

void Interpreter::run_exactly() {
  DecodedPage* const page = fetch_page(hart.pc);
  if (page == nullptr) {
    step += 1;
    return;
  }
  executing_ = page;
  DecodedInsn* const ip = &page->insns[(hart.pc % PAGE_BYTES) / 4];
  if (ip->op == Op::undecoded) decode(*page, *ip);
  xlen* const x = hart.x.data();
  const xlen context = data_context;

#define STEPS() step
#define PC() hart.pc
#define BEGIN(op) case Op::op:
#define NEXT()                  \
  do {                          \
    hart.pc = add(hart.pc, 4);  \
    step += 1;                  \
    return;                     \
  } while (false)
#define JUMP(pc_value)                                \
  do {                                                \
    const xlen to_pc = (pc_value);                          \
    if ((to_pc & 3) != 0) {                           \
      trap_raise(CAUSE_MISALIGNED_FETCH, to_pc);      \
    } else {                                          \
      hart.pc = to_pc;                                \
    }                                                 \
    step += 1;                                        \
    return;                                           \
  } while (false)
#define NEAR() JUMP(PC() + static_cast<xlen>(static_cast<signed_xlen>(ip->imm / 4)))
#define SLOW_EXIT()  \
  do {               \
    retire_slow();   \
    return;          \
  } while (false)

  switch (ip->op) {
#define INSN(name, format, match, mask, kind, ...) ROW_##kind(name, format, match, __VA_ARGS__)
#include ROOKERY_INSN_TABLE
    BEGIN(illegal) {
      SYNC();
      jumped = false;
      trap_illegal(static_cast<u32>(ip->imm));
      SLOW_EXIT();
    }
    case Op::undecoded:
    case Op::page_end:
    case Op::count: break;  // never met: decoded above, and pc is inside the page
  }
}

}  // namespace

std::unique_ptr<CpuMachine> ROOKERY_MAKE(u32 ram_bytes) {
  auto machine = std::make_unique<Interpreter>(ram_bytes);
  if (!machine->valid()) return nullptr;
  return machine;
}

}  // namespace rookery::cpu
