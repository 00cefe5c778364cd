// SPDX-License-Identifier: Apache-2.0
// Questions about a machine that leave it alone: what a CSR reads, where a virtual address leads,
// what a device's register holds, what the next instruction is. The answers come from the shared
// modules of shaders/, translated a second time around a copy of the state: RAM is read through
// ProbeMemory, and what they would store is dropped. Works for a machine of any engine.
//
// Not thread-safe. No errors: a ProbeMemory that cannot read remembers it and returns 0.
#pragma once

#include <memory>
#include <optional>

#include "isa/state.h"

namespace rookery::cpu {

// The machine's RAM.
class ProbeMemory {
 public:
  virtual ~ProbeMemory() = default;
  // The word at `pa`, which is aligned and in RAM.
  virtual u32 load_word(u32 pa) = 0;
};

// The instruction that the hart executes next, after the interrupts that are due were taken.
struct NextInstruction {
  isa::MachineState state;  // what it finds
  u64 pc = 0;
  std::optional<u32> word;  // empty: the fetch traps
};

class MachineProbe {
 public:
  virtual ~MachineProbe() = default;

  // The copy, with what write_csr() changed.
  virtual isa::MachineState state() const = 0;

  // As an instruction of M-mode would find it. Empty: this machine has no such register.
  virtual std::optional<u64> read_csr(u32 number) = 0;
  // Writes what is legal of `value` into the copy. False: no such register, or a read-only one.
  virtual bool write_csr(u32 number, u64 value) = 0;

  // The physical address behind `va` in the hart's privilege mode and address space, whatever the
  // page permits. By the page tables: a stale TLB entry is not looked at. Empty: nothing is mapped.
  virtual std::optional<u32> translate(u64 va) = 0;

  // What a load of 1, 2 or 4 bytes from a device gives. Empty: no device answers.
  virtual std::optional<u32> load_device(u32 pa, u32 bytes) = 0;

  // Empty: the hart waits in wfi, or the machine is not runnable.
  virtual std::optional<NextInstruction> next_instruction() = 0;
};

// `memory` must outlive the probe.
std::unique_ptr<MachineProbe> make_machine_probe(const isa::MachineState& state,
                                                 ProbeMemory& memory);

}  // namespace rookery::cpu
