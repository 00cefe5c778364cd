// SPDX-License-Identifier: Apache-2.0
#include "bench/bench.h"

#include <algorithm>
#include <utility>

namespace rookery::bench {
namespace {

constexpr const char* kLinux = "linux";

bool is_wanted(const BenchOptions& options, std::string_view kernel) {
  return std::find(options.kernels.begin(), options.kernels.end(), kernel) != options.kernels.end();
}

Result<std::vector<Workload>> plan_workloads(const BenchOptions& options) {
  std::vector<Workload> workloads;
  const auto add = [&](Result<Workload> workload) -> Result<void> {
    if (!workload) return std::unexpected(std::move(workload.error()).during("preparing a kernel"));
    workloads.push_back(*std::move(workload));
    return {};
  };
  for (const std::string& name : kernel_names()) {
    if (!is_wanted(options, name)) continue;
    if (name == kLinux) {
      auto planned = plan_linux_boot(options.sv32_image.kernel_path, options.sv32_image.initrd_path,
                                     options.linux_steps);
      if (auto ok = add(std::move(planned)); !ok) return std::unexpected(std::move(ok.error()));
      continue;
    }
    for (const BenchKernel& kernel : bench_kernels()) {
      if (kernel.name != name || (kernel.flavour == "flat" && !options.flat)) continue;
      if (auto ok = add(plan_kernel(kernel)); !ok) return std::unexpected(std::move(ok.error()));
    }
  }
  return workloads;
}

std::string machines_text(u32 machines, bool divergent) {
  if (machines == 1) return "one machine";
  return fmt::format("{} machines, {}", grouped(machines), divergent ? "divergent" : "converged");
}

std::string kernel_text(const std::string& kernel, const std::string& flavour) {
  if (kernel == kLinux) return "Linux boot";
  return flavour == "flat" ? kernel + " (flat)" : kernel;
}

// Fills in report.mmu.
Result<void> compare_images(const BenchOptions& options,
                            const std::function<void(const std::string&)>& say,
                            BenchReport& report) {
  const auto add = [&](Result<std::vector<TaskRow>> rows) -> Result<void> {
    if (!rows) return std::unexpected(std::move(rows.error()));
    report.mmu.insert(report.mmu.end(), rows->begin(), rows->end());
    return {};
  };
  say("Sv32 against NOMMU, booting both");
  auto sv32 = plan_linux_tasks(options.sv32_image);
  if (!sv32) return std::unexpected(std::move(sv32.error()));
  auto nommu = plan_linux_tasks(options.nommu_image);
  if (!nommu) return std::unexpected(std::move(nommu.error()));
  say("Sv32 against NOMMU, CPU engine");
  if (auto ok = add(compare_linux_tasks_on_cpu(*sv32, *nommu, options.measure)); !ok) return ok;
  if (!options.make_gpu) return {};
  for (const u32 machines : options.mmu_machines) {
    say(fmt::format("Sv32 against NOMMU, {}, {}", options.adapter_name,
                    machines_text(machines, false)));
    auto ok =
        add(compare_linux_tasks_on_gpu(options.make_gpu, *sv32, *nommu, machines, options.measure));
    if (ok) continue;
    if (ok.error().kind != ErrorKind::out_of_memory) return ok;
    report.misfits.push_back({kMmu, "", machines, ok.error().message});
    break;
  }
  return {};
}

// The smallest number of machines of this workload from which on all that were measured are worth
// it.
u32 worth_it_from(const BenchReport& report, const GpuRow& like) {
  u32 from = 0;
  for (const GpuRow& row : report.gpu) {  // by ascending machines
    if (row.kernel != like.kernel || row.flavour != like.flavour || row.divergent != like.divergent)
      continue;
    if (!row.worth_it()) {
      from = 0;
    } else if (from == 0) {
      from = row.machines;
    }
  }
  return from;
}

}  // namespace

std::vector<std::string> kernel_names() { return {"integer", "branch", "memory", kLinux}; }

std::string speed_text(double speed) {
  double value = speed / 1e6;
  const char* unit = "MIPS";
  if (speed >= 1e9) {
    value = speed / 1e9;
    unit = "GIPS";
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, unit);
}

std::string ratio_text(double ratio) {
  if (ratio < 0.1) return fmt::format("{:.1g}x", ratio);
  return fmt::format("{:.{}f}x", ratio, ratio < 10 ? 2 : 1);
}

std::string grouped(u64 number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

Result<BenchReport> run_bench(const BenchOptions& options) {
  BenchReport report;
  report.adapter_name = options.adapter_name;
  report.cores = options.cores;
  const auto say = [&](const std::string& what) {
    if (options.progress) options.progress(what);
  };
  say("preparing");
  auto workloads = plan_workloads(options);
  if (!workloads) return std::unexpected(std::move(workloads.error()));

  for (const Workload& workload : *workloads) {
    const std::string name = kernel_text(workload.kernel, workload.flavour);
    say(fmt::format("{}, CPU engine, one core", name));
    auto one = measure_cpu(workload, 1, options.measure);
    if (!one) return std::unexpected(std::move(one.error()));
    Speed all = *one;
    if (options.cores > 1) {
      say(fmt::format("{}, CPU engine, {} cores", name, options.cores));
      auto measured = measure_cpu(workload, options.cores, options.measure);
      if (!measured) return std::unexpected(std::move(measured.error()));
      all = *measured;
    }
    report.cpu.push_back({workload.kernel, workload.flavour, *one, all});
    if (!options.make_gpu) continue;

    bool fits = true;
    for (const u32 machines : options.machines) {
      for (const bool divergent : {false, true}) {
        if (!fits || (divergent && (machines == 1 || !workload.seeded))) continue;
        say(fmt::format("{}, {}, {}", name, options.adapter_name,
                        machines_text(machines, divergent)));
        auto speed =
            measure_engine(options.make_gpu, workload, machines, divergent, options.measure);
        if (!speed) {
          if (speed.error().kind != ErrorKind::out_of_memory)
            return std::unexpected(std::move(speed.error()));
          report.misfits.push_back(
              {workload.kernel, workload.flavour, machines, speed.error().message});
          fits = false;
          continue;
        }
        GpuRow row{workload.kernel, workload.flavour, machines, divergent, *speed, 1, one->median};
        if (machines > 1) {
          // Between one machine and as many as cores, the CPU engine's speed grows with their
          // number.
          row.cpu_cores = std::min(machines, options.cores);
          row.cpu_speed = all.median * row.cpu_cores / options.cores;
        }
        report.gpu.push_back(std::move(row));
      }
    }
  }
  if (is_wanted(options, kMmu)) {
    if (auto ok = compare_images(options, say, report); !ok)
      return std::unexpected(std::move(ok.error()));
  }
  return report;
}

std::vector<Sv32Cost> sv32_costs(const BenchReport& report) {
  std::vector<Sv32Cost> costs;
  for (const CpuRow& flat : report.cpu) {
    for (const CpuRow& sv32 : report.cpu) {
      if (flat.flavour != "flat" || sv32.flavour != "sv32" || flat.kernel != sv32.kernel) continue;
      costs.push_back({flat.kernel, false, 1, false, flat.one_core.median / sv32.one_core.median});
    }
  }
  for (const GpuRow& flat : report.gpu) {
    for (const GpuRow& sv32 : report.gpu) {
      if (flat.flavour != "flat" || sv32.flavour != "sv32" || flat.kernel != sv32.kernel ||
          flat.machines != sv32.machines || flat.divergent != sv32.divergent) {
        continue;
      }
      costs.push_back({flat.kernel, true, flat.machines, flat.divergent,
                       flat.speed.median / sv32.speed.median});
    }
  }
  return costs;
}

std::vector<Verdict> verdicts(const BenchReport& report) {
  std::vector<Verdict> out;
  for (const CpuRow& cpu : report.cpu) {
    const GpuRow* single = nullptr;
    const GpuRow* converged = nullptr;
    const GpuRow* divergent = nullptr;
    for (const GpuRow& row : report.gpu) {
      if (row.kernel != cpu.kernel || row.flavour != cpu.flavour) continue;
      const GpuRow*& best = row.machines == 1 ? single : row.divergent ? divergent : converged;
      if (best == nullptr || row.speed.median > best->speed.median) best = &row;
    }
    for (const GpuRow* row : {single, converged, divergent}) {
      if (row == nullptr) continue;
      const std::string against =
          row->cpu_cores == 1 ? "one core" : fmt::format("{} cores", row->cpu_cores);
      const u32 from = worth_it_from(report, *row);
      std::string judgement = row->worth_it() ? "worth it" : "the GPU is not worth it";
      if (from != 0 && from < row->machines)
        judgement += fmt::format(", and from {} machines on", grouped(from));
      out.push_back(
          {*row, from,
           fmt::format("{}, {}: {} on {}, {} {} of this host: {}.",
                       kernel_text(row->kernel, row->flavour),
                       machines_text(row->machines, row->divergent), speed_text(row->speed.median),
                       report.adapter_name, ratio_text(row->ratio()), against, judgement)});
    }
  }
  return out;
}

}  // namespace rookery::bench
