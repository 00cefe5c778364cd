// SPDX-License-Identifier: Apache-2.0
// What `rookery bench` makes machines do: a kernel of bench/kernels, which repeats its round for
// ever, or the first instructions of a Linux boot. A workload is planned once and then loaded into
// fresh engines of any kind and size.
//
// How to add one: a kernel needs nothing here (bench/kernels/kernels.h); anything else is a
// function that returns a Workload, called by plan_workloads() in bench/bench.cpp.
#pragma once

#include <string>

#include "base/error.h"
#include "bench/kernels/kernels.h"
#include "engine/engine.h"
#include "machine/boot.h"

namespace rookery::bench {

struct Workload {
  std::string kernel;   // "integer", "branch", "memory", "linux"
  std::string flavour;  // "sv32" or "flat"
  BootImage image;
  bool seeded = false;        // a0 holds a seed, so machines can be made to diverge
  u64 max_steps = 0;          // where it ends; 0: never
  u64 setup_steps = 0;        // what comes before its first round of work
  u64 pages_per_machine = 0;  // of RAM, stored to by one machine
};

// Both run the workload on the CPU engine to learn what the last two fields say.
Result<Workload> plan_kernel(const BenchKernel& kernel);
// The first `steps` of booting a kernel (zstd-compressed or not) without a console.
Result<Workload> plan_linux_boot(const std::string& kernel_path, const std::string& initrd_path,
                                 u64 steps);

// For `machines` machines of this workload.
EngineConfig engine_config(const Workload& workload, u32 machines);

// Loads every machine of a fresh engine. Machine i gets the seed `first_seed` + i when `divergent`,
// else all get `first_seed`.
Result<void> load(Engine& engine, const Workload& workload, bool divergent, u32 first_seed = 1);

// Runs exactly `steps` more steps. A machine that stops before is an error.
Result<void> run_exactly(Engine& engine, u64 steps);

// Rounds that a kernel has done. 0 for workloads that do not count.
Result<u32> rounds_done(Engine& engine, const Workload& workload, u32 vm);

}  // namespace rookery::bench
