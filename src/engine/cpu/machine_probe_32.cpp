// SPDX-License-Identifier: Apache-2.0
// RV32's probe: see machine_probe.inl.
#define CoreClass ProbeCore32
#define ROOKERY_PROBE_UINT u32
#define ROOKERY_INSN_TABLE "isa/rv32.def"
#define ROOKERY_MAKE make_machine_probe_32
#include "engine/cpu/machine_probe.inl"
