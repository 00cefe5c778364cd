// SPDX-License-Identifier: Apache-2.0
// The tables' named numbers (isa/constants.def, memory_map.def, exits.def, causes.def, csr.def) as
// C++ constants, under the names that the shaders use. In a namespace of their own because it is
// included by name into the machine core.
#pragma once

#include "base/types.h"

namespace rookery::isa {

#define CONSTANT(name, value) inline constexpr u32 name = value;
#include "isa/constants.def"

#define REGION(name, base, size, irq)      \
  inline constexpr u32 name##_BASE = base; \
  inline constexpr u32 name##_SIZE = size; \
  inline constexpr u32 name##_IRQ = irq;
#include "isa/memory_map.def"

#define EXIT(name, number, arg0, arg1) inline constexpr u32 name = number;
#include "isa/exits.def"

#define CAUSE(name, code) inline constexpr u32 name = code;
#define INTERRUPT(name, code) inline constexpr u32 name = code;
#include "isa/causes.def"

#define CSR_FIELD(name, mask) inline constexpr u32 name = mask;
#define CSR(name, number, read, ...)
#define CSR32(name, number, read, ...)
#include "isa/csr.def"

}  // namespace rookery::isa
