// SPDX-License-Identifier: Apache-2.0
// Many machines on many cores: an engine that holds each machine in an engine of its own, and runs
// them on as many threads as the host has cores.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"

namespace rookery {

using MakeEngine = std::function<Result<std::unique_ptr<Engine>>(const EngineConfig&)>;

// `make_one` makes an engine of one machine; the engines it makes have nothing in common, so that
// each may run on another thread. `threads` 0: one for each core. name() is that of the engines
// with the number of threads.
Result<std::unique_ptr<Engine>> create_parallel_engine(const EngineConfig& config,
                                                       const MakeEngine& make_one, u32 threads);

}  // namespace rookery
