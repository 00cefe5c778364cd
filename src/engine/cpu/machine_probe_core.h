// SPDX-License-Identifier: Apache-2.0
// The body of ProbeCore32 and ProbeCore64, included by machine_probe_32.cpp and
// machine_probe_64.cpp with CoreClass and ROOKERY_PROBE_UINT set: MachineCore's translated members
// (machine_core_class.h) around memory that is someone else's. No include guard, as there.

class CoreClass : public Vocabulary<ROOKERY_PROBE_UINT>, public State<ROOKERY_PROBE_UINT> {
 public:
  using xlen = ROOKERY_PROBE_UINT;

  ProbeMemory* memory = nullptr;

#include "engine/cpu/machine_core_decl.inc"

  bool ram_contains(u32 pa) const { return pa - RAM_BASE < machine.ram_bytes; }
  u32 ram_load(u32 pa) { return memory->load_word(pa); }
  void ram_store(u32, u32, u32) {}

  u32 console_room() const { return CONSOLE_RING_BYTES; }
  void console_put(u32) {}
  u32 input_left() const { return 0; }
  u32 input_take() { return 0; }
  bool input_wants_more() { return false; }
  u32 match_texts() const { return 0; }
  u32 match_next(u32, u32) const { return 0; }

  void tlb_filled(u32) {}
  void tlb_flushed() {}

  // Nobody watches a probe.
  u32 stop_kind(u32) const { return 0; }
  u32 stop_bytes(u32) const { return 0; }
  xlen stop_va(u32) const { return 0; }
  void trace_put(dword, xlen, xlen, xlen, xlen, u32, u32) {}
  void hook_trap(u32, bool, xlen) {}
  void hook_tlb_miss(u32) {}
  bool hook_boundary() { return true; }
  u32 hook_limit(u32 steps) const { return steps; }
  u32 profile_word(u32) const { return 0; }
  void profile_set(u32, u32) {}

  // Expanded from the tables in machine_core.inl.
  xlen csr_read(u32 number);
  void csr_write(u32 number, xlen value);
  xlen isa_amo(u32 ins, xlen m, xlen b);
};
