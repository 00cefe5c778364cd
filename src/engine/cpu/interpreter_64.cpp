// SPDX-License-Identifier: Apache-2.0
// RV64's interpreter: see interpreter.inl.
#define ROOKERY_MACHINE_CORE MachineCore64
#define ROOKERY_INSN_TABLE "isa/rv64.def"
#define ROOKERY_FIND_XLEN Xlen::rv64
#define ROOKERY_MAKE make_cpu_machine_64
#include "engine/cpu/interpreter.inl"
