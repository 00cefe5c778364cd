// SPDX-License-Identifier: Apache-2.0
// RV64's probe: see machine_probe.inl.
#define CoreClass ProbeCore64
#define ROOKERY_PROBE_UINT u64
#define ROOKERY_INSN_TABLE "isa/rv64.def"
#define ROOKERY_MAKE make_machine_probe_64
#include "engine/cpu/machine_probe.inl"
