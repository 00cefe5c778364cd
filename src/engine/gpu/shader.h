// SPDX-License-Identifier: Apache-2.0
// The interpreter's shader text, assembled for one XLEN from shaders/ and the generated tables.
#pragma once

#include "gpu/shader_assembler.h"
#include "isa/state.h"

namespace rookery {

Result<gpu::AssembledShader> assemble_interpreter(isa::Xlen xlen);

}  // namespace rookery
