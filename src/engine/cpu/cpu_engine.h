// SPDX-License-Identifier: Apache-2.0
// The CPU engine: the default without a GPU, the oracle in every test. Its machines run one after
// the other on the calling thread; use several engines for several threads.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace rookery {

// Fails with out_of_memory if RAM cannot be reserved, with usage if the configuration cannot be.
Result<std::unique_ptr<Engine>> create_cpu_engine(const EngineConfig& config);

}  // namespace rookery
