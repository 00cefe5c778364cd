// SPDX-License-Identifier: Apache-2.0
// Picks the engine that the command line asks for.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "engine/engine.h"

namespace rookery::cli {

struct EngineRequest {
  std::string engine = "auto";  // auto, cpu, gpu
  std::string adapter;          // part of an adapter's name, or "software"; empty: the best one
};

struct EngineChoice {
  std::function<Result<std::unique_ptr<Engine>>(const EngineConfig&)> make;
  std::string adapter;  // the GPU adapter's name; empty: it is the CPU engine
  std::string note;     // a sentence for the user: what was chosen; empty when it needs no words
};

// `auto` takes the GPU if a hardware adapter can be opened, else the CPU.
Result<EngineChoice> choose_engine(const EngineRequest& request);

}  // namespace rookery::cli
