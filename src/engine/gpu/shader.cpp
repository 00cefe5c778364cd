// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/shader.h"

#include "isa/wgsl_tables.h"

namespace rookery {

Result<gpu::AssembledShader> assemble_interpreter(isa::Xlen xlen) {
  gpu::ShaderSource source;
  source.modules["isa/tables.wgsl"] = isa::wgsl_tables(xlen);
  gpu::AssembleOptions options;
  options.substitutions["xlen/xlen.wgsl"] = xlen == isa::Xlen::rv32 ? "xlen/32.wgsl" : "xlen/64.wgsl";
  return gpu::assemble("interpreter.wgsl", source, options);
}

}  // namespace rookery
