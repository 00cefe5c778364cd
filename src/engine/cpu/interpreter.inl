// SPDX-License-Identifier: Apache-2.0
// The CPU engine's interpreter for one XLEN, included by interpreter_32.cpp and interpreter_64.cpp with
// ROOKERY_MACHINE_CORE, ROOKERY_INSN_TABLE, ROOKERY_FIND_XLEN and ROOKERY_MAKE set.
//
// Two loops share the semantics of isa/*.def, one Row_* type for each row:
//   run_threaded()     what goes well: a page of RAM is decoded into an array of DecodedInsn, and a handler
//                      jumps to the next one's. Loads and stores that hit the TLB are done in place, through
//                      HostEntry, the engine's copy of the TLB's entries with a host pointer. A handler that
//                      cannot go through has changed nothing yet and gives its instruction to
//   execute_exactly()  every instruction the long way, through the machine core.
//
// Counting costs nothing per instruction: steps are the distance of `ip` to `deadline`, and only a taken
// branch moves that. Near the limit of a run (less than a page of straight code away) run_exactly() takes
// over and counts every step.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "device/uart/uart.h"
#include "engine/cpu/cpu_machine.h"
#include "engine/cpu/guest_ram.h"
#include "engine/cpu/machine_core.h"
#include "engine/cpu/page_pool.h"
#include "engine/watch.h"
#include "isa/decode.h"

namespace rookery::cpu {
namespace {

// Two instructions in a row that run_threaded() executes as one, because they are frequent: PAIR(first,
// second), and BRANCH_PAIR(first, second) if the second is a branch in the same page. Which ones is measured
// on a Linux boot and in a shell; any of rows without a trap may stand here.
#define SECONDS_OF(first)                                                                                    \
  PAIR(first, addi) PAIR(first, add) PAIR(first, lw) PAIR(first, sw) PAIR(first, lbu)                        \
  BRANCH_PAIR(first, beq) BRANCH_PAIR(first, bne)
#define PAIRS                                                                                                \
  SECONDS_OF(addi) SECONDS_OF(add) SECONDS_OF(lw) SECONDS_OF(sw) SECONDS_OF(lbu)                             \
  SECONDS_OF(slli) SECONDS_OF(srli) SECONDS_OF(andi)                                                         \
  PAIR(addi, andi) PAIR(addi, slli) PAIR(addi, or) PAIR(addi, sub) PAIR(addi, auipc) PAIR(auipc, addi)       \
  PAIR(auipc, lw) PAIR(lui, addi) PAIR(slli, or) PAIR(or, slli) PAIR(slli, srli) PAIR(srli, slli)            \
  PAIR(srli, andi) PAIR(srli, or) PAIR(or, sw) PAIR(sw, andi) PAIR(lw, andi) PAIR(lw, sll) PAIR(sll, addi)   \
  PAIR(sb, addi) PAIR(sb, sb) PAIR(lw, srli) PAIR(and, sw)                                                   \
  BRANCH_PAIR(addi, blt) BRANCH_PAIR(addi, bltu) BRANCH_PAIR(addi, bgeu)

// The handlers of run_threaded(). A DecodedInsn's own operation is one of those up to near_jal.
enum class Op : u8 {
#define INSN(name, ...) row_##name,
#include ROOKERY_INSN_TABLE
  undecoded,  // decode it, then execute it
  illegal,
  near_beq,   // branches and jumps to an instruction of the same page
  near_bne,
  near_blt,
  near_bge,
  near_bltu,
  near_bgeu,
  near_jal,
  near_j,     // a near_jal without a link
  slow,       // only execute_exactly() can do it
  page_end,   // behind a page's last instruction: go on with the next page
#define PAIR(first, second) pair_##first##_##second,
#define BRANCH_PAIR(first, second) pair_##first##_##second,
  PAIRS
#undef PAIR
#undef BRANCH_PAIR
  count
};
static_assert(static_cast<u32>(Op::count) <= 256);

struct DecodedInsn {
  const void* handler;  // of run_threaded(), and maybe for this instruction and the next
  i32 imm;  // near_*: distance in bytes of DecodedInsn; SLOW, AMO and illegal ones: the instruction word
  u8 rd;
  u8 rs1;
  u8 rs2;
  Op op;  // of this instruction alone
};

struct DecodedPage {
  std::array<DecodedInsn, PAGE_WORDS + 1> insns;  // and Op::page_end
  u32 page_pa;
};

// --- The rows, as types ---

// funct3 of a load or store: its low two bits are log2 of the bytes.
constexpr u32 bytes_of(u32 match) { return 1u << ((match >> 12) & 3u); }
constexpr u32 log2_bytes(u32 bytes) { return static_cast<u32>(std::countr_zero(bytes)); }

using Words = Vocabulary<ROOKERY_MACHINE_CORE::xlen>;

#define ROW_VALUE(...)                                                                                       \
  static constexpr auto value([[maybe_unused]] xlen a, [[maybe_unused]] xlen b, [[maybe_unused]] xlen m,     \
                              [[maybe_unused]] xlen pc) {                                                    \
    return __VA_ARGS__;                                                                                      \
  }
#define ROW_VALUE_ALU ROW_VALUE
#define ROW_VALUE_BRANCH ROW_VALUE
#define ROW_VALUE_JAL ROW_VALUE
#define ROW_VALUE_JALR ROW_VALUE
#define ROW_VALUE_LOAD ROW_VALUE
#define ROW_VALUE_STORE ROW_VALUE
#define ROW_VALUE_AMO(...)
#define ROW_VALUE_SLOW(...)
#define ROW_VALUE_NOP(...)
#define INSN(name, row_format, match, mask, kind, ...)      \
  struct Row_##name : Words {                               \
    static constexpr Kind kKind = Kind::kind;               \
    static constexpr Format kFormat = Format::row_format;   \
    static constexpr u32 kBytes = bytes_of(match);          \
    ROW_VALUE_##kind(__VA_ARGS__)                           \
  };
#include ROOKERY_INSN_TABLE

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
    if (!watched()) stop_over = false;
    if (std::exchange(tlb_is_new_, false)) take_over_tlb();
    while (made < max_steps) {
      budget = static_cast<u32>(std::min<u64>(max_steps - made, u64{1} << 30));
      step = 0;
      while (poll()) {
        forget_what_changed();
        while (step < limit) {
          if (watched()) {
            run_watched();
          } else if (limit - step > PAGE_WORDS + 1) {
            guard_ = std::min(limit - PAGE_WORDS - 1, step + kMostSteps);
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
    if (profile_on) profile_flush();
    return made;
  }

  void resume() override { machine.run_state = EXIT_NONE; }
  void stop(u32 reason) override { machine.run_state = reason; }

  MachineState state() const override { return static_cast<const State<xlen>&>(*this); }

  void set_state(const MachineState& state) override {
    const u32 ram_bytes = machine.ram_bytes;
    static_cast<State<xlen>&>(*this) = std::get<State<xlen>>(state);
    machine.ram_bytes = ram_bytes;
    stop_over = stop_over && stop_over_icount == hart.icount && stop_over_pc == hart.pc;
    exception_raised = false;
    tlb_flush_due = false;
    tlb_flushed();
    forget_what_changed();
    tlb_is_new_ = true;
  }

  std::span<u8> ram() override { return {memory_.data(), static_cast<size_t>(memory_.size())}; }

  void ram_changed(u32 offset, u64 bytes) override {
    for (u64 page = offset / PAGE_BYTES; page * PAGE_BYTES < offset + bytes; ++page) {
      page_flags[page] |= kPageDirty;
      if (decoded_[page] != nullptr) drop_page(static_cast<u32>(page));
    }
  }

  void page_restored(u32 number) override {
    if (decoded_[number] != nullptr) drop_page(number);
    page_flags[number] &= static_cast<u8>(~kPageDirty);
  }

  void set_stops(std::span<const StopPoint> points) override;
  void set_trace(const std::optional<TraceOptions>& options) override;
  std::vector<TraceRecord> take_trace() override;
  void set_profile(bool on) override;
  std::span<const u32> profile() const override { return profile_words; }

  std::string take_console() override { return std::exchange(console, {}); }

  u32 push_input(std::span<const u8> bytes) override { return device::uart_push_input(uart, bytes); }

  u32 queue_input(std::span<const u8> bytes, bool more) override {
    input.bytes = static_cast<u32>(std::min<size_t>(bytes.size(), INPUT_QUEUE_BYTES));
    input.taken = 0;
    input.more = more;
    std::copy_n(bytes.begin(), input.bytes, input.queue.begin());
    return input.bytes;
  }

  void stop_on_texts(std::shared_ptr<const ConsoleTexts> wanted) override {
    texts = std::move(wanted);
    match_state = 0;
  }

  void set_stuck(const std::optional<WordBits>& stuck) override { stuck_ = stuck; }
  void change_at(const std::optional<LaterChange>& change) override { later_change = change; }

  void compare_path(std::shared_ptr<const InstructionPath> path) override {
    path_ = std::move(path);
    parting_.reset();
  }
  const std::optional<Parting>& parting() const override { return parting_; }

  HostOrders orders() const override {
    const char* const left = reinterpret_cast<const char*>(input.queue.data()) + input.taken;
    return {.stop_at = 0,
            .matched = match_state,
            .input = std::string(left, input_left()),
            .more_input = input.more,
            .stuck = stuck_,
            .change = later_change,
            .parting = parting_};
  }

  void set_orders(const HostOrders& orders) override {
    match_state = orders.matched;
    stuck_ = orders.stuck;
    later_change = orders.change;
    parting_ = orders.parting;
    queue_input({reinterpret_cast<const u8*>(orders.input.data()), orders.input.size()},
                orders.more_input);
  }

  std::vector<u32> dirty_page_numbers() const override {
    std::vector<u32> numbers;
    for (u32 number = 0; number < page_flags.size(); ++number) {
      if ((page_flags[number] & kPageDirty) != 0) numbers.push_back(number);
    }
    return numbers;
  }

 private:
  struct FetchEntry {
    xlen tag = 0;
    DecodedPage* page = nullptr;
  };

  using Handlers = std::array<const void*, static_cast<size_t>(Op::count)>;
  // What run_threaded() makes at a time: so few that `deadline` is always an address.
  static constexpr u32 kMostSteps = 1u << 20;
  // Of a traced machine, until the engine takes them: so few that they stay in the cache.
  static constexpr u32 kTraceRecords = 2048;

  bool tlb_is_new_ = false;  // set_state() gave it
  std::optional<WordBits> stuck_;
  std::shared_ptr<const InstructionPath> path_;  // may be null
  std::optional<Parting> parting_;               // from path_

  static u32 slot_of(xlen va) { return (low(va) >> 12) & (TLB_ENTRIES - 1); }

  // entries[slot_of(va)], in fewer instructions.
  template <class Entry>
  static const Entry& entry_of(const std::array<Entry, TLB_ENTRIES>& entries, xlen va) {
    static_assert(std::has_single_bit(sizeof(Entry)));
    constexpr u32 kLog2 = log2_bytes(sizeof(Entry));
    const u32 offset = (low(va) >> (12 - kLog2)) & ((TLB_ENTRIES - 1) << kLog2);
    return *reinterpret_cast<const Entry*>(reinterpret_cast<const u8*>(entries.data()) + offset);
  }

  // The tag that an aligned access of `bytes` hits; a misaligned one's differs in its low bits.
  static constexpr xlen access_tag(xlen va, u32 bytes, xlen context) {
    return (va & (~xlen{PAGE_BYTES - 1} | (bytes - 1))) | context;
  }

  // --- Decoded instructions ---

  // The page whose instructions start at pc's page, or null: the fetch trapped.
  DecodedPage* fetch_page(xlen pc) {
    const u32 slot = slot_of(pc);
    const xlen tag = tlb_tag(pc, fetch_context);
    if (fetch_[slot].tag == tag) return fetch_[slot].page;
    const u32 pa = access_address(pc, 2, ACCESS_FETCH);
    if (!jumped && !ram_contains(pa)) trap_raise(CAUSE_FETCH_ACCESS, pc);
    if (jumped) return nullptr;
    DecodedPage* page = decoded_page(pa & ~(PAGE_BYTES - 1));
    fetch_[slot] = {tag, page};
    return page;
  }

  DecodedPage* decoded_page(u32 page_pa) {
    const u32 index = (page_pa - RAM_BASE) / PAGE_BYTES;
    if (decoded_[index] == nullptr) {
      DecodedPage* const page = decoded_pool_.take();
      page->insns.fill({handler(Op::undecoded), 0, 0, 0, 0, Op::undecoded});
      page->insns[PAGE_WORDS].handler = handler(Op::page_end);
      page->page_pa = page_pa;
      decoded_[index] = page;
      // From now on stores to it have to come through ram_store().
      page_flags[index] |= kPageDecoded;
      refresh_store_entries(page_pa);
    }
    return decoded_[index];
  }

  // The row of an instruction word, or null. Remembers by the bits in which most rows differ.
  const Row* row_of(u32 word) {
    const u32 key = ((word >> 2) & 31) | ((word >> 7) & 0xe0) | ((word >> 17) & 0x100) | ((word >> 21) & 0x200);
    const Row*& row = rows_seen_[key];
    if (row == nullptr || (word & row->mask) != row->match) row = find_row(ROOKERY_FIND_XLEN, word);
    return row;
  }

  const void* handler(Op op) const { return handlers_[static_cast<u32>(op)]; }

  __attribute__((noinline)) void decode(DecodedPage& page, DecodedInsn& insn) {
    const auto index = static_cast<u32>(&insn - page.insns.data());
    insn = decode_one(page, index);
    if (insn.handler != handler(insn.op) || index + 1 == PAGE_WORDS) return;
    DecodedInsn next = decode_one(page, index + 1);
    if (next.handler != handler(next.op)) return;
    const Op pair = pair_of(insn.op, next.op);
    if (pair == Op::count) return;
    insn.handler = handler(pair);
    if (page.insns[index + 1].op == Op::undecoded) {
      next.handler = handler(Op::undecoded);  // when it is met by itself, it may begin a pair
      page.insns[index + 1] = next;
    }
  }

  // The instruction without regard to the next one.
  DecodedInsn decode_one(const DecodedPage& page, u32 index) {
    const u32 word = ram_load(page.page_pa + index * 4);
    DecodedInsn insn{handler(Op::slow),
                     static_cast<i32>(word),
                     static_cast<u8>((word >> 7) & 31),
                     static_cast<u8>((word >> 15) & 31),
                     static_cast<u8>((word >> 20) & 31),
                     Op::illegal};
    const Row* const row = row_of(word);
    if (row == nullptr) return insn;
    insn.op = static_cast<Op>(row - first_row_);
    if (row->kind == Kind::SLOW || row->kind == Kind::AMO) return insn;
    insn.imm = immediate(row->format, word);
    if (row->kind == Kind::LOAD && insn.rd == 0) return insn;
    if (row->kind == Kind::ALU && insn.rd == 0) insn.op = Op::row_fence;  // does nothing
    insn.handler = handler(insn.op);
    if (row->kind == Kind::BRANCH || row->kind == Kind::JAL) {
      const i32 target = static_cast<i32>(index) + insn.imm / 4;
      if (insn.imm % 4 == 0 && target >= 0 && target < static_cast<i32>(PAGE_WORDS)) {
        insn.op = near(insn.op);
        insn.imm = insn.imm / 4 * static_cast<i32>(sizeof(DecodedInsn));
        insn.handler = handler(insn.op == Op::near_jal && insn.rd == 0 ? Op::near_j : insn.op);
      }
    }
    return insn;
  }

  static Op pair_of(Op first, Op second) {
    using Table = std::array<std::array<Op, static_cast<size_t>(Op::slow)>, static_cast<size_t>(Op::slow)>;
    static constexpr Table kPairs = [] {
      Table pairs;
      for (auto& seconds : pairs) seconds.fill(Op::count);
#define PAIR(first, second) \
  pairs[static_cast<u32>(Op::row_##first)][static_cast<u32>(Op::row_##second)] = Op::pair_##first##_##second;
#define BRANCH_PAIR(first, second) \
  pairs[static_cast<u32>(Op::row_##first)][static_cast<u32>(Op::near_##second)] = Op::pair_##first##_##second;
      PAIRS
#undef PAIR
#undef BRANCH_PAIR
      return pairs;
    }();
    return kPairs[static_cast<u32>(first)][static_cast<u32>(second)];
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

  // Decoded instructions that were overwritten, and pages that are no longer the TLB's.
  __attribute__((noinline)) void forget_what_changed() {
    if (tlb_was_flushed) {
      tlb_was_flushed = false;
      fetch_.fill({});
    }
    for (const u32 pa : decoded_words_stored) {
      const u32 page = (pa - RAM_BASE) / PAGE_BYTES;
      if (decoded_[page] == nullptr) continue;
      if (decoded_[page] == executing_) {
        const u32 index = (pa % PAGE_BYTES) / 4;
        executing_->insns[index] = {handler(Op::undecoded), 0, 0, 0, 0, Op::undecoded};
        if (index > 0) executing_->insns[index - 1].handler = handler(Op::undecoded);  // may be its pair
      } else {
        drop_page(page);  // most likely reused for data
      }
    }
    decoded_words_stored.clear();
  }

  void drop_page(u32 page) {
    for (FetchEntry& entry : fetch_) {
      if (entry.page == decoded_[page]) entry = {};
    }
    if (executing_ == decoded_[page]) executing_ = nullptr;
    decoded_pool_.give_back(std::exchange(decoded_[page], nullptr));
    page_flags[page] &= static_cast<u8>(~kPageDecoded);
    refresh_store_entries(RAM_BASE + page * PAGE_BYTES);
  }

  // After a change of the page's flags.
  void refresh_store_entries(u32 page_pa) {
    for (u32 index = ACCESS_STORE * TLB_ENTRIES; index < (ACCESS_STORE + 1) * TLB_ENTRIES; ++index) {
      if (hart.tlb_tag[index] != 0 && hart.tlb_page[index] == page_pa) tlb_filled(index);
    }
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

  // --- Execution ---

  template <class R>
  xlen operand_b(const DecodedInsn& insn) const {
    if constexpr (R::kFormat == Format::R) return hart.x[insn.rs2];
    return immediate_of(insn);
  }
  static xlen immediate_of(const DecodedInsn& insn) { return static_cast<xlen>(static_cast<signed_xlen>(insn.imm)); }

  // The fast ways of one instruction each. Those that return false have done nothing.
  template <class R>
  void alu(const DecodedInsn& insn, xlen pc) {
    hart.x[insn.rd] = R::value(hart.x[insn.rs1], operand_b<R>(insn), 0, pc);
  }
  template <class R>
  bool branches(const DecodedInsn& insn) const {
    return R::value(hart.x[insn.rs1], hart.x[insn.rs2], 0, 0);
  }
  template <class R>
  bool load(const DecodedInsn& insn) {  // rd is not x0
    const xlen va = hart.x[insn.rs1] + immediate_of(insn);
    const HostEntry& entry = entry_of(load_entries, va);
    if (access_tag(va, R::kBytes, data_context) != entry.tag) [[unlikely]] return false;
    hart.x[insn.rd] = R::value(0, 0, load_host<R::kBytes>(entry.addend + va), 0);
    return true;
  }
  template <class R>
  bool store(const DecodedInsn& insn) const {
    const xlen va = hart.x[insn.rs1] + immediate_of(insn);
    const HostEntry& entry = entry_of(store_entries, va);
    if (access_tag(va, R::kBytes, data_context) != entry.tag) [[unlikely]] return false;
    store_host<R::kBytes>(entry.addend + va, R::value(0, hart.x[insn.rs2], 0, 0));
    return true;
  }
  template <class R>
  bool fast(const DecodedInsn& insn, xlen pc) {
    if constexpr (R::kKind == Kind::LOAD) return load<R>(insn);
    if constexpr (R::kKind == Kind::STORE) return store<R>(insn);
    if constexpr (R::kKind == Kind::ALU) alu<R>(insn, pc);
    return true;
  }

  // And the long ways.
  template <class R>
  void load_exactly(const DecodedInsn& insn) {
    const xlen va = hart.x[insn.rs1] + immediate_of(insn);
    const u32 pa = access_address(va, log2_bytes(R::kBytes), ACCESS_LOAD);
    if (jumped) return;
    const xlen m = access_load(va, pa, log2_bytes(R::kBytes));
    if (!jumped && insn.rd != 0) hart.x[insn.rd] = R::value(0, 0, m, 0);
  }
  template <class R>
  void store_exactly(const DecodedInsn& insn) {
    const xlen va = hart.x[insn.rs1] + immediate_of(insn);
    const u32 pa = access_address(va, log2_bytes(R::kBytes), ACCESS_STORE);
    if (!jumped) access_store(va, pa, log2_bytes(R::kBytes), hart.x[insn.rs2]);
  }
  void atomic_exactly(u32 ins) {
    const u32 pa = access_address(hart.x[field_rs1(ins)], atomic_size(ins), atomic_access(ins));
    if (!jumped) atomic_execute(ins, pa);
  }
  xlen near_target(const DecodedInsn& insn) const {
    return hart.pc + static_cast<xlen>(static_cast<signed_xlen>(insn.imm / static_cast<i32>(sizeof(DecodedInsn) / 4)));
  }
  void jump_exactly(const DecodedInsn& insn, xlen to, bool links) {
    if ((to & 3) != 0) {
      trap_raise(CAUSE_MISALIGNED_FETCH, to);
      return;
    }
    if (links && insn.rd != 0) hart.x[insn.rd] = hart.pc + 4;
    hart.pc = to;
    jumped = true;
  }

  // Executes `insn`, of executing_, at hart.pc, and counts it. True if the run goes on right behind it.
  __attribute__((noinline)) bool execute_exactly(DecodedInsn& insn);

  // Executes from hart.pc until at least guard_ steps are made or something needs the core's attention.
  // hart.pc and step are right again on return. With `handlers` it only says where the handlers are.
  __attribute__((noinline)) void run_threaded(Handlers* handlers);

  // Executes one instruction, however close the limit.
  void run_exactly();

  // Of a machine with stop points, a trace, a profile, a path or a permanent fault: executes until the limit
  // (run_watched.inl).
  bool watched() const {
    return stop_count != 0 || trace_kinds != 0 || profile_on || stuck_ || follows_path();
  }
  bool follows_path() const { return path_ != nullptr && !parting_; }
  void compare_with_path();
  void hold_stuck();
  void run_watched();
  template <bool kTraced>
  void execute_watched(DecodedInsn& insn, u32 word);
  template <class R>
  void trace_fast(const DecodedInsn& insn, xlen pc, u32 word, xlen va);

  GuestRam memory_;
  Handlers handlers_;
  u32 guard_ = 0;
  std::array<FetchEntry, TLB_ENTRIES> fetch_;
  DecodedPage* executing_ = nullptr;
  std::vector<DecodedPage*> decoded_;  // by page of RAM
  PagePool<DecodedPage> decoded_pool_;
  const Row* const first_row_ = rows(ROOKERY_FIND_XLEN).data();
  std::array<const Row*, 1024> rows_seen_ = {};
};

void Interpreter::run_threaded(Handlers* handlers) {
  if (handlers != nullptr) {
#define ADDRESS_ALU(name) &&handle_row_##name
#define ADDRESS_BRANCH ADDRESS_ALU
#define ADDRESS_JAL ADDRESS_ALU
#define ADDRESS_JALR ADDRESS_ALU
#define ADDRESS_LOAD ADDRESS_ALU
#define ADDRESS_STORE ADDRESS_ALU
#define ADDRESS_NOP ADDRESS_ALU
#define ADDRESS_AMO(name) &&slow
#define ADDRESS_SLOW ADDRESS_AMO
    *handlers = {
#define INSN(name, format, match, mask, kind, ...) ADDRESS_##kind(name),
#include ROOKERY_INSN_TABLE
        &&handle_undecoded, &&slow,
        &&handle_near_beq, &&handle_near_bne, &&handle_near_blt, &&handle_near_bge, &&handle_near_bltu,
        &&handle_near_bgeu, &&handle_near_jal, &&handle_near_j,
        &&slow, &&handle_page_end,
#define PAIR(first, second) &&handle_pair_##first##_##second,
#define BRANCH_PAIR(first, second) &&handle_pair_##first##_##second,
        PAIRS
#undef PAIR
#undef BRANCH_PAIR
    };
    return;
  }

  // The instruction executed, its page, and where that is mapped.
  DecodedInsn* ip;
  DecodedPage* page;
  xlen page_va;
  // The address at which ip would be when guard_ steps are made.
  uintptr_t deadline;
  xlen target;

#define ADDRESS(insn) reinterpret_cast<uintptr_t>(insn)
#define PC() (page_va + static_cast<xlen>((ADDRESS(ip) - ADDRESS(page)) / sizeof(DecodedInsn) * 4))
#define SYNC()                                                                                              \
  do {                                                                                                      \
    hart.pc = PC();                                                                                         \
    step = guard_ - static_cast<u32>(static_cast<intptr_t>(deadline - ADDRESS(ip)) /                        \
                                     static_cast<intptr_t>(sizeof(DecodedInsn)));                           \
    executing_ = page;                                                                                      \
  } while (false)
#define DISPATCH() goto* ip->handler
#define NEXT()  \
  do {          \
    ++ip;       \
    DISPATCH(); \
  } while (false)
// Goes on `distance` bytes from ip; `counted` of them for steps.
#define MOVE(distance, counted)                                       \
  do {                                                                \
    const uintptr_t by = (distance);                                  \
    deadline += by - (counted);                                       \
    ip = reinterpret_cast<DecodedInsn*>(ADDRESS(ip) + by);            \
    if (ADDRESS(ip) >= deadline) [[unlikely]] goto leave;             \
    DISPATCH();                                                       \
  } while (false)
#define NEAR() MOVE(static_cast<uintptr_t>(intptr_t{ip->imm}), sizeof(DecodedInsn))
// Goes on at address `to` after ON_HIT, or nowhere if it is not in fetch_.
#define FAR(to, on_hit, on_miss, counted)                                                          \
  do {                                                                                             \
    const FetchEntry& entry = entry_of(fetch_, to);                                                \
    if (access_tag(to, 4, fetch_context) != entry.tag) [[unlikely]] on_miss;                       \
    on_hit;                                                                                        \
    page = entry.page;                                                                             \
    page_va = (to) & ~xlen{PAGE_BYTES - 1};                                                        \
    MOVE(ADDRESS(page) + (low(to) % PAGE_BYTES) / 4 * sizeof(DecodedInsn) - ADDRESS(ip), counted); \
  } while (false)
#define LINK() if (ip->rd != 0) hart.x[ip->rd] = PC() + 4

enter:
  // At hart.pc, after `step` steps.
  page = fetch_page(hart.pc);
  if (page == nullptr) {
    step += 1;
    return;
  }
  page_va = hart.pc & ~xlen{PAGE_BYTES - 1};
  ip = &page->insns[(hart.pc % PAGE_BYTES) / 4];
  if (step >= guard_) return;
  deadline = ADDRESS(ip) + uintptr_t{guard_ - step} * sizeof(DecodedInsn);
  DISPATCH();

slow_second:
  ++ip;
slow:
  SYNC();
  if (execute_exactly(*ip)) NEXT();
  if (step >= limit) return;
  goto enter;

jump:
  FAR(target, , goto slow, sizeof(DecodedInsn));

leave:
  SYNC();
  return;

#define THREADED_ALU(name)              \
  handle_row_##name : {                 \
    alu<Row_##name>(*ip, PC());         \
    NEXT();                             \
  }
#define THREADED_BRANCH(name)                    \
  handle_row_##name : {                          \
    if (branches<Row_##name>(*ip)) {             \
      target = PC() + immediate_of(*ip);         \
      goto jump;                                 \
    }                                            \
    NEXT();                                      \
  }                                              \
  handle_near_##name : {                         \
    if (branches<Row_##name>(*ip)) NEAR();       \
    NEXT();                                      \
  }
#define THREADED_JAL(name)                                                      \
  handle_row_##name : {                                                         \
    const xlen to = Row_##name::value(0, immediate_of(*ip), 0, PC());           \
    FAR(to, LINK(), goto slow, sizeof(DecodedInsn));                            \
  }
#define THREADED_JALR(name)                                                     \
  handle_row_##name : {                                                         \
    const xlen to = Row_##name::value(hart.x[ip->rs1], immediate_of(*ip), 0, 0);\
    FAR(to, LINK(), goto slow, sizeof(DecodedInsn));                            \
  }
#define THREADED_LOAD(name)                                      \
  handle_row_##name : {                                          \
    if (!load<Row_##name>(*ip)) [[unlikely]] goto slow;          \
    NEXT();                                                      \
  }
#define THREADED_STORE(name)                                     \
  handle_row_##name : {                                          \
    if (!store<Row_##name>(*ip)) [[unlikely]] goto slow;         \
    NEXT();                                                      \
  }
#define THREADED_NOP(name) \
  handle_row_##name : { NEXT(); }
#define THREADED_AMO(name)
#define THREADED_SLOW(name)
#define INSN(name, format, match, mask, kind, ...) THREADED_##kind(name)
#include ROOKERY_INSN_TABLE

#define PAIR(first, second)                                                  \
  handle_pair_##first##_##second : {                                         \
    if (!fast<Row_##first>(ip[0], PC())) [[unlikely]] goto slow;             \
    if (!fast<Row_##second>(ip[1], PC() + 4)) [[unlikely]] goto slow_second; \
    ip += 2;                                                                 \
    DISPATCH();                                                              \
  }
#define BRANCH_PAIR(first, second)                               \
  handle_pair_##first##_##second : {                             \
    if (!fast<Row_##first>(ip[0], PC())) [[unlikely]] goto slow; \
    ++ip;                                                        \
    if (branches<Row_##second>(*ip)) NEAR();                     \
    NEXT();                                                      \
  }
PAIRS
#undef PAIR
#undef BRANCH_PAIR

handle_near_jal : {
  hart.x[ip->rd] = PC() + 4;
  NEAR();
}
handle_near_j : { NEAR(); }
handle_undecoded : {
  decode(*page, *ip);
  DISPATCH();
}
handle_page_end : {
  // Not an instruction: nothing is counted.
  target = page_va + PAGE_BYTES;
  FAR(target, , goto page_missed, 0);
}
page_missed:
  SYNC();
  if (step >= limit) return;  // the fetch itself must wait for the poll
  goto enter;

#undef ADDRESS
#undef PC
#undef SYNC
#undef DISPATCH
#undef NEXT
#undef MOVE
#undef NEAR
#undef FAR
#undef LINK
}

void Interpreter::run_exactly() {
  DecodedPage* const page = fetch_page(hart.pc);
  if (page == nullptr) {
    step += 1;
    return;
  }
  executing_ = page;
  execute_exactly(page->insns[(hart.pc % PAGE_BYTES) / 4]);
}

bool Interpreter::execute_exactly(DecodedInsn& insn) {
  if (insn.op == Op::undecoded) decode(*executing_, insn);
  jumped = false;
  const u32 ins = static_cast<u32>(insn.imm);
  switch (insn.op) {
#define EXACT_ALU(name, ...) \
  if (insn.rd != 0) alu<Row_##name>(insn, hart.pc);
#define EXACT_BRANCH(name, ...) \
  if (branches<Row_##name>(insn)) jump_exactly(insn, hart.pc + immediate_of(insn), false);
#define EXACT_JAL(name, ...) jump_exactly(insn, Row_##name::value(0, immediate_of(insn), 0, hart.pc), true);
#define EXACT_JALR(name, ...) jump_exactly(insn, Row_##name::value(hart.x[insn.rs1], immediate_of(insn), 0, 0), true);
#define EXACT_LOAD(name, ...) load_exactly<Row_##name>(insn);
#define EXACT_STORE(name, ...) store_exactly<Row_##name>(insn);
#define EXACT_AMO(name, ...) atomic_exactly(ins);
#define EXACT_SLOW(name, ...) __VA_ARGS__;
#define EXACT_NOP(name, ...)
#define INSN(name, format, match, mask, kind, ...) \
  case Op::row_##name: {                           \
    EXACT_##kind(name, __VA_ARGS__) break;         \
  }
#include ROOKERY_INSN_TABLE
    case Op::illegal: trap_illegal(ins); break;
#define NEAR(name)                                                                    \
  case Op::near_##name:                                                               \
    if (branches<Row_##name>(insn)) jump_exactly(insn, near_target(insn), false); \
    break;
      NEAR(beq) NEAR(bne) NEAR(blt) NEAR(bge) NEAR(bltu) NEAR(bgeu)
#undef NEAR
    case Op::near_jal: jump_exactly(insn, near_target(insn), true); break;
    default: break;  // the operation of no instruction
  }
  if (!decoded_words_stored.empty()) forget_what_changed();
  step += 1;
  if (jumped) return false;
  hart.pc = add(hart.pc, 4);
  return step < limit;
}

#include "engine/cpu/run_watched.inl"

}  // namespace

std::unique_ptr<CpuMachine> ROOKERY_MAKE(u32 ram_bytes) {
  auto machine = std::make_unique<Interpreter>(ram_bytes);
  if (!machine->valid()) return nullptr;
  return machine;
}

}  // namespace rookery::cpu
