// SPDX-License-Identifier: Apache-2.0
#include "fuzz/random_machine.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string_view>

#include "fuzz/random_code.h"

namespace rookery::fuzz {
namespace {

using isa::Operands;
using isa::RAM_BASE;

constexpr u32 kPageWords = isa::PAGE_WORDS;
constexpr u32 kCodePage = 1;
constexpr u32 kTablePage = 128;
constexpr u32 kTables = 16;  // half of them roots, half leaves
constexpr u32 kDataPage = kTablePage + kTables;

constexpr u32 kHandlerBytes = 256;
constexpr u32 kHandlers = isa::PAGE_BYTES / kHandlerBytes;

constexpr u32 page_pa(u32 page) { return RAM_BASE + page * isa::PAGE_BYTES; }

// A word's address in `count` pages from `first` on.
u32 random_word_pa(Random& random, u32 first, u32 count) {
  const u32 page = first + random.below(count);
  return page_pa(page) + random.below(kPageWords) * 4;
}

u32 random_code_pa(Random& random) {
  return random_word_pa(random, kCodePage, kTablePage - kCodePage);
}

// Values at which arithmetic and comparisons change their mind, and any others.
u64 random_value(Random& random) {
  static constexpr std::array<u64, 12> kEdges = {0,
                                                 1,
                                                 2,
                                                 31,
                                                 ~u64{0},
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0xffffffff80000000,
                                                 u64{1} << 63,
                                                 (u64{1} << 63) - 1,
                                                 0xfffffffe00000001};
  if (random.percent(30)) return random.of(std::span(kEdges));
  return random.percent(30) ? random.below(4096) : random.next();
}

// --- trap handlers ---

// Even handlers are the machine's, odd ones the supervisor's. They run in the mode that traps enter
// and leave x30 and x31 changed. After an interrupt they choose another set of them to be taken,
// and a machine's timer goes off again soon; after an exception they go on behind the instruction,
// or at a place that registers make random, with some page table, in the mode that they came from
// or another.
class HandlerWriter {
 public:
  HandlerWriter(Xlen xlen, u32 slot, Random& random)
      : xlen_(xlen), slot_(slot), machine_(slot % 2 == 0), random_(random) {}

  std::vector<u32> write() {
    const u32 status = machine_ ? 0x300 : 0x100;
    const u32 enabled = machine_ ? 0x304 : 0x104;
    const u32 epc = machine_ ? 0x341 : 0x141;
    const u32 cause = machine_ ? 0x342 : 0x142;
    constexpr u32 kSatp = 0x180;
    constexpr u32 kTime = 0xc01;
    constexpr u32 kStimecmp = 0x14d;
    constexpr u32 kMcycle = 0xb00;

    read_csr(cause, kValue);
    std::vector<u32> interrupted;
    std::swap(words_, interrupted);
    // Off, most of the time: an interrupt that stays pending leaves no time for anything else.
    const u32 choice = random_.below(100);
    op(choice < 25 ? "csrrc" : "csrrw", {.rs1 = choice < 32 ? any_register() : 0, .csr = enabled});
    if (machine_) {
      read_csr(kTime, kValue);
      op("addi", {.rd = kValue, .rs1 = kValue, .immediate = ticks()});
      op("lui", {.rd = kOther, .immediate = static_cast<i32>(isa::ACLINT_BASE + 0x4000)});
      op("sw", {.rs1 = kOther, .rs2 = kValue});
    } else if (random_.percent(40)) {
      read_csr(kTime, kValue);
      op("addi", {.rd = kValue, .rs1 = kValue, .immediate = ticks()});
      op("csrrw", {.rs1 = kValue, .csr = kStimecmp});
    }
    next_handler();
    back();
    std::swap(words_, interrupted);
    const i32 over = static_cast<i32>(interrupted.size() + 1) * 4;
    op("bge", {.rs1 = kValue, .rs2 = 0, .immediate = over});
    words_.insert(words_.end(), interrupted.begin(), interrupted.end());

    if (random_.percent(40)) op("csrrs", {.rs1 = any_register(), .csr = enabled});
    if (random_.percent(30)) {  // MPP, MPIE, MPRV, SUM, MXR or their supervisor's share
      const bool sets = random_.percent(50);
      op(sets ? "csrrs" : "csrrc", {.rs1 = any_register(), .csr = status});
    }
    if (machine_ && random_.percent(70)) {  // what would keep a supervisor's handler from returning
      op("lui", {.rd = kValue, .immediate = isa::MSTATUS_TSR | isa::MSTATUS_TVM});
      op("csrrc", {.rs1 = kValue, .csr = status});
    }
    if (random_.percent(machine_ ? 40 : 10)) {
      if (random_.percent(50)) {
        op("csrrw", {.csr = kSatp});
      } else {
        const u32 root = (RAM_BASE >> 12) + kTablePage + random_.below(kTables / 2);
        const u32 value = isa::SATP32_MODE | root;
        op("lui", {.rd = kValue, .immediate = static_cast<i32>(value & 0xfffff000u)});
        op("addi", {.rd = kValue, .rs1 = kValue, .immediate = static_cast<i32>(value & 0xfff)});
        op("csrrw", {.rs1 = kValue, .csr = kSatp});
      }
    }
    next_handler();
    read_csr(epc, kValue);
    if (random_.percent(15)) {
      op("addi", {.rd = kValue, .rs1 = kValue, .immediate = 4});
      op("csrrw", {.rs1 = kValue, .csr = epc});
      back();
      return words_;
    }
    // Somewhere in the first half MiB of RAM, most of which is code.
    op("add", {.rd = kValue, .rs1 = kValue, .rs2 = any_register()});
    if (machine_) {  // and elsewhere each time
      read_csr(kMcycle, kOther);
      op("slli", {.rd = kOther, .rs1 = kOther, .immediate = 6});
      op("add", {.rd = kValue, .rs1 = kValue, .rs2 = kOther});
    }
    op("addi",
       {.rd = kValue, .rs1 = kValue, .immediate = static_cast<i32>(random_.below(2048) & ~3u)});
    const i32 cut = xlen_ == Xlen::rv32 ? 13 : 45;
    op("slli", {.rd = kValue, .rs1 = kValue, .immediate = cut});
    op("srli", {.rd = kValue, .rs1 = kValue, .immediate = cut});
    op("csrrw", {.rs1 = kValue, .csr = epc});
    op("addi", {.rd = kValue, .immediate = 1});
    op("slli", {.rd = kValue, .rs1 = kValue, .immediate = 31});
    op("csrrs", {.rs1 = kValue, .csr = epc});
    back();
    return words_;
  }

 private:
  static constexpr u32 kOther = 30;
  static constexpr u32 kValue = 31;

  // Another one for the next trap, so that what one of them cannot get out of ends.
  void next_handler() {
    const u32 slot = (slot_ + 2) % kHandlers;
    const i32 half = static_cast<i32>(slot * kHandlerBytes / 2);
    op("auipc", {.rd = kValue});
    op("srli", {.rd = kValue, .rs1 = kValue, .immediate = 12});
    op("slli", {.rd = kValue, .rs1 = kValue, .immediate = 12});
    op("addi", {.rd = kValue, .rs1 = kValue, .immediate = half});
    op("addi", {.rd = kValue, .rs1 = kValue, .immediate = half});
    op("csrrw", {.rs1 = kValue, .csr = machine_ ? 0x305u : 0x105u});
  }

  void op(std::string_view name, const Operands& operands) {
    words_.push_back(isa::encode(*isa::find_row(xlen_, name), operands));
  }
  void read_csr(u32 number, u32 rd) { op("csrrs", {.rd = rd, .csr = number}); }
  void back() { op(machine_ ? "mret" : "sret", {}); }
  u32 any_register() { return random_.below(kOther); }
  i32 ticks() { return static_cast<i32>(2 + random_.below(60)); }

  Xlen xlen_;
  u32 slot_;
  bool machine_;
  Random& random_;
  std::vector<u32> words_;
};

// --- page tables ---

// An Sv32 entry that maps a page where it is, most of the time with all rights, and otherwise lacks
// some, is reserved, misaligned, invalid or leads elsewhere. Privileged ISA 12.3.
u32 random_pte(Random& random, u32 pa, bool superpage, u32 user_percent) {
  constexpr u32 kAll = 0xff;  // D A G U X W R V
  constexpr u32 kUser = 0x10;
  u32 flags = kAll;
  if (!random.percent(user_percent)) flags &= ~kUser;
  if (random.percent(12)) flags &= ~(1u << random.below(8));
  if (random.percent(4)) flags = random.below(1024);
  u32 ppn = pa >> 12;
  if (superpage && random.percent(90)) ppn &= ~1023u;
  if (random.percent(6)) ppn = page_pa(random.below(kRamPages)) >> 12;
  if (random.percent(1)) ppn = random.below(1u << 22);
  return (ppn << 10) | flags;
}

void write_page_tables(std::vector<u32>& ram, Random& random) {
  for (u32 table = 0; table < kTables; ++table) {
    const bool root = table < kTables / 2;
    // Most pages of a table are for the same mode.
    const u32 user_percent = table % 2 == 0 ? 88 : 12;
    u32* entries = &ram[u64{kTablePage + table} * kPageWords];
    for (u32 i = 0; i < kPageWords; ++i) {
      if (root) {
        const u32 leaf = kTablePage + kTables / 2 + random.below(kTables / 2);
        const bool pointer = random.percent(i == RAM_BASE >> 22 ? 90 : 20);
        entries[i] =
            pointer ? ((page_pa(leaf) >> 12) << 10) | 1 : random_pte(random, i << 22, true, 50);
      } else {
        // The page of the handlers is a supervisor's.
        entries[i] = i % kRamPages == 0
                         ? ((page_pa(0) >> 12) << 10) | 0xcf
                         : random_pte(random, page_pa(i % kRamPages), false, user_percent);
      }
    }
  }
}

// --- states ---

u32 random_pointer(Random& random) {
  static constexpr std::array<u32, 7> kDevices = {
      isa::UART_BASE,           isa::PLIC_BASE,   isa::PLIC_BASE + isa::PLIC_CONTEXT,
      isa::ACLINT_BASE,         isa::VIRTIO_BASE, isa::ACLINT_BASE + 0x4000,
      isa::ACLINT_BASE + 0xbff8};
  const u32 kind = random.below(100);
  if (kind < 12) {
    const u32 device = random.of(std::span(kDevices));
    return device + random.below(64) * 4;
  }
  if (kind < 22) return random_code_pa(random);
  if (kind < 26) return random_word_pa(random, kTablePage, kTables);
  if (kind < 29) return page_pa(kRamPages) - random.below(16) * 4;  // where RAM ends
  if (kind < 31) return random.word();
  const u32 page = page_pa(kDataPage + random.below(kRamPages - kDataPage));
  if (kind < 40) return page + random.below(isa::PAGE_BYTES);
  if (kind < 50) return page - 8 * random.below(2);  // around a page's edge
  return page + random.below(kPageWords / 2) * 8;
}

u32 random_satp(Random& random) {
  if (random.percent(40)) return 0;
  return isa::SATP32_MODE | (page_pa(kTablePage + random.below(kTables / 2)) >> 12);
}

u32 random_handler(Random& random, bool machine) {
  const u32 slot = random.below(kHandlers / 2) * 2 + (machine ? 0 : 1);
  return RAM_BASE + slot * kHandlerBytes;
}

// What an ecall asks for: the SBI extensions, and calls of the legacy one.
u32 random_sbi_extension(Random& random) {
  static constexpr std::array<u32, 8> kExtensions = {0x10,     0x54494d45, 0x735049,   0x52464e43,
                                                     0x48534d, 0x53525354, 0x4442434e, 0x504d55};
  return random.percent(70) ? random.of(std::span(kExtensions)) : random.below(9);
}

template <class U>
void set_registers(isa::Hart<U>& hart, Random& random) {
  for (u32 i = 1; i < 32; ++i) hart.x[i] = static_cast<U>(random_value(random));
  for (u32 i = 0; i < kPointerCount; ++i) hart.x[kPointers + i] = random_pointer(random);
  for (u32 i = 0; i < kTargetCount; ++i) hart.x[kTargets + i] = random_code_pa(random);
  if (random.percent(40)) {
    hart.x[17] = random_sbi_extension(random);
    hart.x[16] = random.below(5);
  }
  hart.pc = random_code_pa(random);
}

template <class U>
void set_csrs(isa::Hart<U>& hart, Random& random) {
  static constexpr std::array<u32, 3> kPrivileges = {0, 1, 3};
  // Timers that are off, or may go off within so many ticks.
  const auto timer = [&] { return random.percent(70) ? random.below(120) : ~u64{0}; };
  hart.mtvec = random_handler(random, true);
  hart.stvec = random_handler(random, false);
  if (random.percent(5)) hart.mtvec |= 1;  // vectored
  if (random.percent(5)) hart.stvec |= 1;
  hart.mepc = random_code_pa(random);
  hart.sepc = random_code_pa(random);
  hart.mscratch = static_cast<U>(random.next());
  hart.sscratch = static_cast<U>(random.next());
  if (sizeof(U) == 4) hart.satp = random_satp(random);
  hart.privilege = random.of(std::span(kPrivileges));
  hart.mstatus = random.word() & isa::MSTATUS_WRITABLE & ~isa::MSTATUS_MPP;
  hart.mstatus |= random.of(std::span(kPrivileges)) << 11;
  if (random.percent(60)) hart.mstatus &= ~isa::MSTATUS_MPRV;
  if (random.percent(75)) hart.mstatus &= ~(isa::MSTATUS_TSR | isa::MSTATUS_TVM);
  // Faults of fetches in the supervisor's own handler would go on for ever.
  constexpr u32 kFetchFaults = 1u << isa::CAUSE_FETCH_PAGE_FAULT | 1u << isa::CAUSE_FETCH_ACCESS;
  if (random.percent(75)) hart.medeleg = random.word() & isa::DELEGABLE_EXCEPTIONS;
  if (random.percent(85)) hart.medeleg &= ~kFetchFaults;
  if (random.percent(50)) hart.medeleg &= ~(1u << isa::CAUSE_ILLEGAL_INSTRUCTION);
  hart.mideleg = random.word() & isa::S_INTERRUPTS;
  hart.mie = random.word() & (isa::S_INTERRUPTS | isa::M_INTERRUPTS);
  if (random.percent(60)) hart.mie |= 1u << isa::IRQ_M_TIMER;
  hart.mip = random.percent(30) ? random.word() & isa::S_INTERRUPTS : 0;
  hart.mcounteren = random.word() & isa::COUNTEREN_WRITABLE;
  hart.scounteren = random.word() & isa::COUNTEREN_WRITABLE;
  hart.menvcfgh = random.percent(50) ? isa::MENVCFGH_STCE : 0;
  hart.stimecmp = timer();
}

template <class U>
MachineState random_state(Random& random) {
  isa::State<U> state{};
  set_registers(state.hart, random);
  set_csrs(state.hart, random);
  state.aclint.mtimecmp = random.percent(85) ? random.below(120) : ~u64{0};
  state.aclint.msip = random.percent(10) ? 1 : 0;
  state.uart.ier = random.below(16);
  state.uart.fcr = random.percent(50) ? isa::UART_FCR_ENABLE : 0;
  state.uart.divisor = 1;
  if (random.percent(50)) {  // something was typed
    state.uart.rx_count = random.below(isa::UART_FIFO_BYTES + 1);
    state.uart.rx_head = random.below(isa::UART_FIFO_BYTES);
    for (u32& byte : state.uart.rx) byte = random.below(256);
  }
  for (u32 i = 1; i < isa::PLIC_SOURCES; ++i) state.plic.priority[i] = random.below(8);
  for (u32& enabled : state.plic.enabled) enabled = random.word() & ~1u;
  state.machine.ram_bytes = static_cast<u32>(kRamBytes);
  state.machine.sbi = random.percent(30) ? 1 : 0;
  return state;
}

}  // namespace

Corpus make_corpus(Xlen xlen, u64 seed, u64 number) {
  const u64 group = number / kCorpusCases;
  Random random(seed + (group + 1) * 0x9fb21c651e98df25 + static_cast<u32>(xlen));
  const CodeGenerator code(xlen);
  std::vector<u32> ram(kRamBytes / 4);
  for (u32 i = 0; i < kHandlers; ++i) {
    const std::vector<u32> words = HandlerWriter(xlen, i, random).write();
    assert(words.size() <= kHandlerBytes / 4);
    std::copy(words.begin(), words.end(), ram.begin() + i * (kHandlerBytes / 4));
  }
  for (u32 i = kCodePage * kPageWords; i < kTablePage * kPageWords; ++i) ram[i] = code.word(random);
  write_page_tables(ram, random);
  for (u32 i = kDataPage * kPageWords; i < kRamPages * kPageWords; ++i)
    ram[i] = static_cast<u32>(random_value(random));
  Corpus corpus{xlen, seed, group, std::vector<u8>(kRamBytes)};
  std::memcpy(corpus.ram.data(), ram.data(), corpus.ram.size());
  return corpus;
}

MachineState make_case(const Corpus& corpus, u64 number) {
  Random random(corpus.seed ^ ((number + 1) * 0xd1342543de82ef95));
  return corpus.xlen == Xlen::rv32 ? random_state<u32>(random) : random_state<u64>(random);
}

}  // namespace rookery::fuzz
