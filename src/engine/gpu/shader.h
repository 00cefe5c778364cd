// SPDX-License-Identifier: Apache-2.0
// The interpreter's shader text, assembled for one XLEN from shaders/ and the generated tables.
#pragma once

#include "gpu/shader_assembler.h"
#include "isa/state.h"

namespace rookery {

enum class InterpreterVariant {
  plain,     // all machines but those that are watched
  watched,   // those with stop points, a trace or a profile (shaders/hooks/debug.wgsl)
  faults,    // all others, once some have faults to come or permanent ones
  campaign,  // likewise, and all are compared with a path
};

// Texts of modules, by their paths ("xlen/32.wgsl"), in place of ours.
using ShaderModules = decltype(gpu::ShaderSource::modules);

Result<gpu::AssembledShader> assemble_interpreter(
    isa::Xlen xlen, u32 pools = 1, InterpreterVariant variant = InterpreterVariant::plain,
    const ShaderModules& replaced = {});

// What any shader of ours is assembled with for that XLEN: the generated modules, the choice of the
// xlen vocabulary, the lowering of the state's fields.
gpu::ShaderSource shader_source(isa::Xlen xlen, u32 pools = 1);
gpu::AssembleOptions shader_options(isa::Xlen xlen);

}  // namespace rookery
