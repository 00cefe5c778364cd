// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/shader.h"

#include "engine/gpu/pools_module.h"
#include "isa/wgsl_tables.h"

namespace rookery {

gpu::ShaderSource shader_source(isa::Xlen xlen, u32 pools) {
  gpu::ShaderSource source;
  source.modules["isa/constants.wgsl"] = isa::wgsl_constants();
  source.modules["memory/pools.wgsl"] = pools_module(pools, PoolAccess::read_write);
  source.modules["isa/tables.wgsl"] = isa::wgsl_tables(xlen);
  return source;
}

gpu::AssembleOptions shader_options(isa::Xlen xlen) {
  gpu::AssembleOptions options;
  options.substitutions["xlen/xlen.wgsl"] =
      xlen == isa::Xlen::rv32 ? "xlen/32.wgsl" : "xlen/64.wgsl";
  options.rewrite_line = [xlen](std::string_view line) {
    return isa::wgsl_lower_state(xlen, line);
  };
  return options;
}

Result<gpu::AssembledShader> assemble_interpreter(isa::Xlen xlen, u32 pools,
                                                  InterpreterVariant variant,
                                                  const ShaderModules& replaced) {
  gpu::ShaderSource source = shader_source(xlen, pools);
  for (const auto& [path, text] : replaced) source.modules[path] = text;
  gpu::AssembleOptions options = shader_options(xlen);
  if (variant == InterpreterVariant::watched) {
    options.substitutions["hooks/hooks.wgsl"] = "hooks/debug.wgsl";
  } else if (variant != InterpreterVariant::plain) {
    options.substitutions["hooks/hooks.wgsl"] = "hooks/campaign.wgsl";
    if (variant == InterpreterVariant::faults)
      options.substitutions["hooks/path.wgsl"] = "hooks/no_path.wgsl";
  }
  return gpu::assemble("interpreter.wgsl", source, options);
}

}  // namespace rookery
