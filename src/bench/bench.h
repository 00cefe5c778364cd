// SPDX-License-Identifier: Apache-2.0
// The whole of `rookery bench`: which workloads at which numbers of machines, what came out, and
// what it means. It measures and judges; the CLI prints.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/linux_tasks.h"
#include "bench/measure.h"

namespace rookery::bench {

// From here on the GPU is said to be worth it: below, a user had better buy cores.
inline constexpr double kWorthItRatio = 2;

struct BenchOptions {
  std::vector<std::string> kernels;  // of kernel_names(), and kMmu
  bool flat = false;                 // the kernels without Sv32 too, to see what Sv32 costs
  std::vector<u32> machines;         // ascending
  u32 cores = 1;
  u64 linux_steps = 0;            // of the boot
  ImageDescription sv32_image;    // for "linux" and kMmu
  ImageDescription nommu_image;   // for kMmu
  std::vector<u32> mmu_machines;  // on the GPU, ascending
  MeasureOptions measure;
  MakeEngine make_gpu;       // empty: there is none, the CPU alone is measured
  std::string adapter_name;  // for the sentences
  std::function<void(const std::string&)> progress;  // what is being measured now
};

// What the MMU costs Linux (bench/linux_tasks.h): compares two images, not the GPU with the CPU.
inline constexpr const char* kMmu = "mmu";

// "integer", "branch", "memory", "linux".
std::vector<std::string> kernel_names();

struct CpuRow {
  std::string kernel;
  std::string flavour;
  Speed one_core;
  Speed all_cores;
};

struct GpuRow {
  std::string kernel;
  std::string flavour;
  u32 machines = 1;
  bool divergent = false;
  Speed speed;
  u32 cpu_cores = 1;  // that as many machines could keep busy, and what the CPU engine does on them
  double cpu_speed = 0;
  double ratio() const { return speed.median / cpu_speed; }
  bool worth_it() const { return ratio() >= kWorthItRatio; }
};

// So many machines of a workload did not fit.
struct Misfit {
  std::string kernel;
  std::string flavour;
  u32 machines = 0;
  std::string reason;
};

// How many times faster a kernel runs without Sv32 and its page tables.
struct Sv32Cost {
  std::string kernel;
  bool on_gpu = false;
  u32 machines = 1;
  bool divergent = false;
  double ratio = 1;
};

struct BenchReport {
  std::string adapter_name;  // empty: none
  u32 cores = 1;
  std::vector<CpuRow> cpu;
  std::vector<GpuRow> gpu;
  std::vector<Misfit> misfits;
  std::vector<TaskRow> mmu;
};

Result<BenchReport> run_bench(const BenchOptions& options);

std::vector<Sv32Cost> sv32_costs(const BenchReport& report);

// One row for one machine and, for converged and for divergent machines, the fastest of each
// workload.
struct Verdict {
  GpuRow row;
  u32 worth_it_from = 0;  // machines, if from there on all numbers measured are; else 0
  std::string sentence;
};
std::vector<Verdict> verdicts(const BenchReport& report);

// "62.1 GIPS", "3.10 MIPS".
std::string speed_text(double instructions_per_second);
// "23.9x", "0.0008x".
std::string ratio_text(double ratio);
// "65,536".
std::string grouped(u64 number);

}  // namespace rookery::bench
