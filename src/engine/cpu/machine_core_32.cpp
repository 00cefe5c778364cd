// SPDX-License-Identifier: Apache-2.0
// RV32's machine core: see machine_core.inl.
#define CoreClass MachineCore32
#define ROOKERY_INSN_TABLE "isa/rv32.def"
#include "engine/cpu/machine_core.inl"
