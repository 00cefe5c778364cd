// SPDX-License-Identifier: Apache-2.0
// The definitions of one MachineCore, included by machine_core_32.cpp and machine_core_64.cpp with
// CoreClass and ROOKERY_INSN_TABLE set: the translated modules, and what the tables expand to.

#include "engine/cpu/machine_core.h"

namespace rookery::cpu {

#include "engine/cpu/machine_core.inc"

CoreClass::xlen CoreClass::csr_read(u32 number) {
  switch (number) {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) \
  case number: return read;
#define CSR32(name, number, read, ...) \
  case number:                         \
    if (XLEN == 32) return read;       \
    break;
#include "isa/csr.def"
    default: break;
  }
  csr_missing = !csr_is_zero(number);
  return 0;
}

void CoreClass::csr_write(u32 number, [[maybe_unused]] xlen value) {
  switch (number) {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) \
  case number: __VA_ARGS__; break;
#define CSR32(name, number, read, ...)      \
  case number:                              \
    if (XLEN == 32) {                       \
      __VA_ARGS__;                          \
    }                                       \
    break;
#include "isa/csr.def"
    default: break;
  }
}

CoreClass::xlen CoreClass::isa_amo(u32 ins, [[maybe_unused]] xlen m, xlen b) {
#define AMO_ROW_ALU(...)
#define AMO_ROW_BRANCH(...)
#define AMO_ROW_JAL(...)
#define AMO_ROW_JALR(...)
#define AMO_ROW_LOAD(...)
#define AMO_ROW_STORE(...)
#define AMO_ROW_SLOW(...)
#define AMO_ROW_NOP(...)
#define AMO_ROW_AMO(match, mask, ...) \
  if ((ins & mask) == match) return __VA_ARGS__;
#define INSN(name, format, match, mask, kind, ...) AMO_ROW_##kind(match, mask, __VA_ARGS__)
#include ROOKERY_INSN_TABLE
  return b;
}

}  // namespace rookery::cpu
