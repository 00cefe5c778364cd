// SPDX-License-Identifier: Apache-2.0
// The engines that tests of whole machines run on.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"

namespace rookery::test {

// The software adapter, or what $ROOKERY_TEST_ADAPTER selects (as --adapter does).
std::string tested_adapter();
// Slow enough that long programs are cut short.
bool is_software(const std::string& adapter);

// An engine on that adapter. Errors: usage if there is none (the test is skipped).
Result<std::unique_ptr<Engine>> make_gpu_engine(const EngineConfig& config);

// The same with three pools of private pages.
Result<std::unique_ptr<Engine>> make_gpu_engine_with_pools(const EngineConfig& config);

// The same on a device that counts as lost as soon as a dispatch takes a millisecond.
Result<std::unique_ptr<Engine>> make_impatient_gpu_engine(const EngineConfig& config);

// The same with a fault in shader module `path`: its text `from`, which is there once, is `to`.
Result<std::unique_ptr<Engine>> make_faulty_gpu_engine(const EngineConfig& config,
                                                       const std::string& path,
                                                       const std::string& from,
                                                       const std::string& to);

Result<std::unique_ptr<Engine>> make_cpu_engine(const EngineConfig& config);

}  // namespace rookery::test
