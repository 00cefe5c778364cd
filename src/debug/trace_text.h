// SPDX-License-Identifier: Apache-2.0
// Records of a trace as Spike writes them (riscv-isa-sim, --log-commits; -l for traps), so that its
// tools read them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace rookery {

// Spike's name of an exception: "trap_load_page_fault".
std::string_view exception_name(u32 cause);

// Appends the lines of records, one for each, or two for an exception with a value:
//   core   0: 3 0x80000000 (0x00000297) x5  0x80000000
//   core   0: 3 0x80000008 (0x0062a423) mem 0x80000008 0x00000005
//   core   0: 3 0x8000000c (0x34029073) c832_mscratch 0x00000007
//   core   0: exception trap_illegal_instruction, epc 0x80000010
//   core   0:           tval 0xffffffff
void append_trace_text(std::string& out, std::span<const TraceRecord> records, Xlen xlen);

// And of an exit to the host, which Spike does not have:
//   core   0: exit EXIT_WFI (0x1, 0x2710)
void append_exit_text(std::string& out, const Exit& exit);

}  // namespace rookery
