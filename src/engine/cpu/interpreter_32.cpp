// SPDX-License-Identifier: Apache-2.0
// RV32's interpreter: see interpreter.inl.
#define ROOKERY_MACHINE_CORE MachineCore32
#define ROOKERY_INSN_TABLE "isa/rv32.def"
#define ROOKERY_FIND_XLEN Xlen::rv32
#define ROOKERY_MAKE make_cpu_machine_32
#include "engine/cpu/interpreter.inl"
