// SPDX-License-Identifier: Apache-2.0
// MachineCore32 and MachineCore64: one machine on the CPU, as the shared shader modules describe
// it. Their member functions are translated from shaders/ by tools/wgsl_to_cpp.py, so CSRs, traps,
// translation, SBI and devices are written once for all engines. What the shaders take from their
// own memory modules (ram_*, console_*, tlb_filled, ...) is given here for the CPU.
// engine/cpu/interpreter.inl adds the fast path.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "isa/constants.h"
#include "isa/state.h"
#include "isa/xlen.h"

namespace rookery::cpu {

using namespace rookery::isa;  // the shaders' vocabulary and constants, unqualified as there

// What the engine has to know of a page of RAM. Bits.
inline constexpr u8 kPageDirty = 1;    // stored to
inline constexpr u8 kPageDecoded = 2;  // instructions of it are decoded: stores have to be seen

// Engine::queue_input().
struct InputQueue {
  std::array<u8, INPUT_QUEUE_BYTES> queue{};
  u32 bytes = 0;
  u32 taken = 0;  // of these
  bool more = false;
};

#define ROOKERY_CORE MachineCore32
#define ROOKERY_UINT u32
#include "engine/cpu/machine_core_class.h"
#undef ROOKERY_CORE
#undef ROOKERY_UINT

#define ROOKERY_CORE MachineCore64
#define ROOKERY_UINT u64
#include "engine/cpu/machine_core_class.h"
#undef ROOKERY_CORE
#undef ROOKERY_UINT

}  // namespace rookery::cpu
