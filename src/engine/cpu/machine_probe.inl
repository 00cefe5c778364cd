// SPDX-License-Identifier: Apache-2.0
// MachineProbe for one XLEN, included by machine_probe_32.cpp and machine_probe_64.cpp with CoreClass,
// ROOKERY_PROBE_UINT, ROOKERY_INSN_TABLE and ROOKERY_MAKE set.

#include <bit>

#include "engine/cpu/machine_core.h"
#include "engine/cpu/machine_probe.h"

namespace rookery::cpu {
#include "engine/cpu/machine_probe_core.h"
}  // namespace rookery::cpu

#include "engine/cpu/machine_core.inl"

namespace rookery::cpu {
namespace {

class Probe final : public MachineProbe {
 public:
  using xlen = CoreClass::xlen;

  Probe(const State<xlen>& state, ProbeMemory& memory) : state_(state), memory_(memory) {}

  MachineState state() const override { return state_; }

  std::optional<u64> read_csr(u32 number) override {
    CoreClass core = settled();
    core.csr_missing = false;
    core.csr_counter = core.counter_read(number);
    const xlen value = core.csr_read(number);
    if (core.csr_missing) return std::nullopt;
    return value;
  }

  bool write_csr(u32 number, u64 value) override {
    constexpr u32 kReadOnly = 3;  // bits 11:10. Privileged ISA, section 2.1
    if (!read_csr(number) || (number >> 10) == kReadOnly) return false;
    CoreClass core = settled();
    core.csr_missing = false;
    core.csr_counter = core.counter_read(number);
    core.csr_write(number, static_cast<xlen>(value));
    // A counter holds the value that is written after one more step, which is not made here.
    core.hart.icount -= 1;
    core.counter_write(number);
    core.hart.icount += 1;
    core.tlb_flush_if_due();
    state_ = core;
    return true;
  }

  std::optional<u32> translate(u64 va) override {
    CoreClass core = settled();
    u32 context = core.fetch_context;
    if ((context & CoreClass::CONTEXT_TRANSLATED) != 0) {
      context &= ~CoreClass::CONTEXT_USER;
      context |= CoreClass::CONTEXT_SUM | CoreClass::CONTEXT_MXR;
    }
    const u32 pa = core.translate(static_cast<xlen>(va), CoreClass::ACCESS_LOAD, context);
    if (core.translate_fault != CoreClass::NO_FAULT) return std::nullopt;
    return pa;
  }

  std::optional<u32> load_device(u32 pa, u32 bytes) override {
    CoreClass core = settled();
    if (core.ram_contains(pa)) return std::nullopt;
    core.bus_fault = false;
    const u32 value = core.bus_load(pa, static_cast<u32>(std::countr_zero(bytes)));
    if (core.bus_fault) return std::nullopt;
    return value;
  }

  std::optional<NextInstruction> next_instruction() override {
    CoreClass core = core_of(state_);
    do {
      core.budget = 1;
      if (!core.poll()) return std::nullopt;
    } while (core.limit == 0);
    NextInstruction next{static_cast<const State<xlen>&>(core), core.hart.pc, std::nullopt};
    constexpr u32 kWordSize = 2;  // log2 of the bytes
    const u32 pa = core.access_address(core.hart.pc, kWordSize, CoreClass::ACCESS_FETCH);
    if (!core.jumped && core.ram_contains(pa)) next.word = core.ram_load(pa);
    return next;
  }

 private:
  CoreClass core_of(const State<xlen>& state) const {
    CoreClass core;
    static_cast<State<xlen>&>(core) = state;
    core.memory = &memory_;
    return core;
  }

  // A core with the state, and with what a poll leaves beside it (interrupt lines, access contexts).
  // Nothing that a poll would do to the state happens: no interrupt is enabled, nobody waits.
  CoreClass settled() const {
    CoreClass core = core_of(state_);
    core.hart.mie = 0;
    core.hart.waiting = 0;
    core.machine.run_state = EXIT_NONE;
    core.budget = 1;
    core.poll();
    static_cast<State<xlen>&>(core) = state_;
    return core;
  }

  State<xlen> state_;
  ProbeMemory& memory_;
};

}  // namespace

std::unique_ptr<MachineProbe> ROOKERY_MAKE(const State<ROOKERY_PROBE_UINT>& state, ProbeMemory& memory) {
  return std::make_unique<Probe>(state, memory);
}

}  // namespace rookery::cpu
