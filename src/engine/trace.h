// SPDX-License-Identifier: Apache-2.0
// What a traced machine did, instruction by instruction and trap by trap. Both engines make the
// same records (shaders/hooks/trace.wgsl).
#pragma once

#include "base/types.h"
#include "isa/constants.h"

namespace rookery {

// Which records a machine leaves.
struct TraceOptions {
  bool commits = true;  // instructions that retired
  bool traps = true;    // exceptions and interrupts
  // Only those at addresses from pc_low to pc_high ...
  u64 pc_low = 0;
  u64 pc_high = ~u64{0};
  // ... and at these privilege levels: a bit for each, 1 << 0 user, 1 << 1 supervisor, 1 << 3
  // machine.
  u32 privileges = 0b1011;
};

// One record, laid out as the GPU leaves it. On RV32 the upper halves of addresses and values are
// 0.
struct TraceRecord {
  enum class Kind : u8 {
    commit = isa::TRACE_COMMIT,
    exception = isa::TRACE_EXCEPTION,
    interrupt = isa::TRACE_INTERRUPT,
  };

  // hart.icount before the instruction; of an interrupt, at the boundary where it was taken.
  u64 icount = 0;
  u64 pc = 0;     // of the instruction; of an interrupt, of the one that it came before
  u64 value = 0;  // x[rd] afterwards, if rd is not 0; of a trap, xtval
  u64 va = 0;     // the virtual address accessed, if loads() or stores()
  // What was stored (its low bytes() bytes); or what csr() reads afterwards, if wrote_csr(); or a1,
  // if it is an answered_sbi() call.
  u64 stored = 0;
  u32 ins = 0;  // the instruction word; of a trap, the cause's code without the interrupt bit
  Kind kind = Kind::commit;
  u8 privilege = 0;  // before: 0 user, 1 supervisor, 3 machine
  u8 rd = 0;         // the register written, 0 for none
  u8 flags = 0;      // TRACE_* of isa/constants.def

  bool loads() const { return (flags & isa::TRACE_LOADED) != 0; }
  bool stores() const { return (flags & isa::TRACE_STORED) != 0; }
  u32 bytes() const { return 1u << (flags & isa::TRACE_SIZE); }
  bool wrote_csr() const { return (flags & isa::TRACE_WROTE_CSR) != 0; }
  // mret and sret write mstatus, the other instructions the register that they name.
  u32 csr() const { return ((ins >> 12) & 7) == 0 ? 0x300 : ins >> 20; }
  // An ecall that the machine itself answered, in a0 (`value`) and a1.
  bool answered_sbi() const { return (flags & isa::TRACE_SBI) != 0; }

  bool operator==(const TraceRecord&) const = default;
};
static_assert(sizeof(TraceRecord) == isa::TRACE_RECORD_WORDS * sizeof(u32));

}  // namespace rookery
