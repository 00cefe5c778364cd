// SPDX-License-Identifier: Apache-2.0
// RV64's machine core: see machine_core.inl.
#define CoreClass MachineCore64
#define ROOKERY_INSN_TABLE "isa/rv64.def"
#include "engine/cpu/machine_core.inl"
