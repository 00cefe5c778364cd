// SPDX-License-Identifier: Apache-2.0
// Picks the engine that somebody asks for by name, and makes it for one machine or for a fleet.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "engine/engine.h"
#include "fleet/parallel_engine.h"

namespace rookery {

struct EngineRequest {
  std::string engine = "auto";  // auto, cpu, gpu
  std::string adapter;          // part of an adapter's name, or "software"; empty: the best one
};

struct EngineChoice {
  MakeEngine make;        // of one machine
  MakeEngine make_fleet;  // of many: on the CPU, on all of its cores
  std::string adapter;    // the GPU adapter's name; empty: it is the CPU engine
  std::string note;       // a sentence for the user: what was chosen; empty when it needs no words
};

// `auto` takes the GPU if a hardware adapter can be opened, else the CPU.
Result<EngineChoice> choose_engine(const EngineRequest& request);

}  // namespace rookery
