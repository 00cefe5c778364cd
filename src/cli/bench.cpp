// SPDX-License-Identifier: Apache-2.0
// `rookery bench`: is the GPU worth it on this host? What is measured and how: src/bench.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "bench/bench.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/images.h"
#include "cli/terminal.h"
#include "fleet/choose_engine.h"
#if ROOKERY_GPU
#include "gpu/dawn/adapters.h"
#endif

namespace rookery::cli {
namespace {

constexpr const char* kStandardOutput = "-";
constexpr const char* kLinux = "linux";
constexpr const char* kNommuImage = "nommu";

struct BenchArguments {
  EngineRequest engine;
  std::vector<std::string> kernels;
  std::string machines;  // a list
  std::string seconds;
  std::string json;
  bool json_given = false;
  bool flat = false;
  bool quick = false;
};

// How much is measured unless the user says otherwise. An emulated adapter runs a few MIPS in all,
// and takes seconds to compile for each engine.
struct Extent {
  std::vector<std::string> kernels;
  std::vector<u32> machines;
  double seconds;
  u64 linux_steps;
  std::vector<u32> mmu_machines;
};

// All that --kernels takes.
std::vector<std::string> all_kernels() {
  std::vector<std::string> names = bench::kernel_names();
  names.push_back(bench::kMmu);
  return names;
}

Extent extent_of(bool quick, bool software) {
  const std::vector<std::string> all = all_kernels();
  if (software && quick) return {{"integer", kLinux}, {1, 64}, 0.3, 1'000'000, {1}};
  if (software) return {all, {1, 16, 256}, 1, 1'000'000, {1}};
  if (quick) return {all, {1, 16'384}, 0.3, 2'000'000, {1}};
  return {all, {1, 256, 4'096, 16'384, 65'536, 131'072}, 1, 4'000'000, {1, 256}};
}

Result<std::vector<u32>> parse_machines(const std::string& text) {
  std::vector<u32> list;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    constexpr u64 kMaxMachines = u64{1} << 20;
    auto count = parse_count(std::string_view(text).substr(at, comma - at), "--vms");
    if (!count) return std::unexpected(std::move(count.error()));
    if (*count > kMaxMachines) {
      return fail(ErrorKind::usage, "--vms {}: machines are counted from 1 to {}.", *count,
                  kMaxMachines);
    }
    list.push_back(static_cast<u32>(*count));
    at = comma + 1;
  }
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "an unnamed CPU";
}

bool is_software(const std::string& adapter_name) {
#if ROOKERY_GPU
  if (auto adapters = gpu::list_adapters()) {
    for (const gpu::GpuAdapterInfo& adapter : *adapters) {
      if (adapter.name == adapter_name) return adapter.software;
    }
  }
#endif
  return adapter_name.find("SwiftShader") != std::string::npos;
}

// Rookery's own words, on standard error: overwritten on a terminal, a line each elsewhere.
class Progress {
 public:
  ~Progress() { erase(); }
  void show(const std::string& text) {
    erase();
    fmt::print(stderr, "{}Rookery: {} ...{}", terminal_ ? "\r" : "", text, terminal_ ? "" : "\n");
    std::fflush(stderr);
    shown_ = terminal_;
  }
  void erase() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
    shown_ = false;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
};

double spread_percent(const bench::Speed& speed) {
  return 50 * (speed.highest - speed.lowest) / speed.median;
}

// Empty: it was not measured.
std::string mmu_text(const bench::BenchReport& report) {
  if (report.mmu.empty()) return "";
  std::string out =
      "Linux with Sv32 against NOMMU (the time of the same work, without an MMU 1):\n";
  out += fmt::format("  {:<13} {:<4} {:>8}  {:>23}  {:>23}  {:>6}\n", "task", "", "machines",
                     "Sv32", "NOMMU", "cost");
  const auto time_text = [](const bench::TaskTime& time) {
    return fmt::format("{:.2f} M in {:.1f} ms", static_cast<double>(time.instructions) / 1e6,
                       time.seconds * 1e3);
  };
  for (const bench::TaskRow& row : report.mmu) {
    out += fmt::format("  {:<13} {:<4} {:>8}  {:>23}  {:>23}  {:>5.2f}x\n", row.task,
                       row.on_gpu ? "GPU" : "CPU", bench::grouped(row.machines),
                       time_text(row.sv32), time_text(row.nommu), row.cost());
  }
  for (const bench::Misfit& misfit : report.misfits) {
    if (misfit.kernel != bench::kMmu) continue;
    out += fmt::format("  {} machines do not fit: {}\n", bench::grouped(misfit.machines),
                       misfit.reason);
  }
  return out;
}

std::string report_text(const bench::BenchReport& report, const std::string& cpu,
                        const std::string& no_gpu, const std::string& no_mmu) {
  using bench::grouped;
  using bench::speed_text;
  const bool has_gpu = !report.adapter_name.empty();
  std::string out = fmt::format("rookery bench: {}{} ({} core{})\n\n",
                                has_gpu ? report.adapter_name + " against " : "", cpu, report.cores,
                                report.cores == 1 ? "" : "s");
  const std::string all = fmt::format("CPU, {} cores", report.cores);
  const std::string gpu = has_gpu ? fmt::format("  {:>9}  {:<9}  {:>10}  {:>6}  {:>8}", "machines",
                                                "paths", "GPU", "spread", "ratio")
                                  : "";
  if (!report.cpu.empty())
    out += fmt::format("{:<13}  {:>11}  {:>13}{}\n", "kernel", "CPU, 1 core", all, gpu);
  for (const bench::CpuRow& cpu_row : report.cpu) {
    std::string head =
        fmt::format("{:<13}  {:>11}  {:>13}", cpu_row.kernel + " " + cpu_row.flavour,
                    speed_text(cpu_row.one_core.median), speed_text(cpu_row.all_cores.median));
    bool any = false;
    for (const bench::GpuRow& row : report.gpu) {
      if (row.kernel != cpu_row.kernel || row.flavour != cpu_row.flavour) continue;
      out += fmt::format(
          "{:<41}  {:>9}  {:<9}  {:>10}  {:>5.1f}%  {:>8}\n", head, grouped(row.machines),
          row.machines == 1 ? "-"
          : row.divergent   ? "divergent"
                            : "converged",
          speed_text(row.speed.median), spread_percent(row.speed), bench::ratio_text(row.ratio()));
      head.clear();
      any = true;
    }
    if (!any) out += head + "\n";
    for (const bench::Misfit& misfit : report.misfits) {
      if (misfit.kernel != cpu_row.kernel || misfit.flavour != cpu_row.flavour) continue;
      out += fmt::format("{:<41}  {:>9}  do not fit: {}\n", "", grouped(misfit.machines),
                         misfit.reason);
    }
  }
  if (!report.gpu.empty()) {
    out += fmt::format(
        "\nratio: to the CPU engine on as many cores as there are machines, at most {}.\n"
        "spread: half of the way from the slowest to the fastest sample.\n",
        report.cores);
  }
  const auto costs = bench::sv32_costs(report);
  if (!costs.empty()) {
    out += "\nCost of Sv32 (the time of the same work with paging, without it 1):\n";
    for (const bench::Sv32Cost& cost : costs) {
      out += fmt::format("  {:<8} {:<4} {:>9}  {:<9}  {:.2f}x\n", cost.kernel,
                         cost.on_gpu ? "GPU" : "CPU", grouped(cost.machines),
                         cost.machines == 1 ? "-"
                         : cost.divergent   ? "divergent"
                                            : "converged",
                         cost.ratio);
    }
  }
  const std::string mmu = mmu_text(report);
  if (!mmu.empty()) out += (report.cpu.empty() ? "" : "\n") + mmu;
  out += "\n";
  if (!has_gpu) out += no_gpu + "\n";
  if (!no_mmu.empty()) out += no_mmu + "\n";
  for (const bench::Verdict& verdict : bench::verdicts(report)) out += verdict.sentence + "\n";
  return out;
}

nlohmann::json to_json(const bench::Speed& speed) {
  return {{"ips", speed.median},
          {"ips_lowest", speed.lowest},
          {"ips_highest", speed.highest},
          {"samples", speed.samples},
          {"instructions", speed.instructions},
          {"seconds", speed.seconds}};
}

nlohmann::json to_json(const bench::TaskTime& time) {
  return {{"instructions", time.instructions}, {"seconds", time.seconds}};
}

nlohmann::json to_json(const bench::TaskRow& row) {
  return {{"task", row.task},
          {"engine", row.on_gpu ? "gpu" : "cpu"},
          {"machines", row.machines},
          {"sv32", to_json(row.sv32)},
          {"nommu", to_json(row.nommu)},
          {"cost", row.cost()}};
}

nlohmann::json to_json(const bench::GpuRow& row) {
  return {
      {"kernel", row.kernel},       {"flavour", row.flavour},      {"machines", row.machines},
      {"divergent", row.divergent}, {"speed", to_json(row.speed)}, {"cpu_cores", row.cpu_cores},
      {"cpu_ips", row.cpu_speed},   {"ratio", row.ratio()},        {"worth_it", row.worth_it()}};
}

nlohmann::json report_json(const bench::BenchReport& report, const std::string& cpu, bool quick) {
  using nlohmann::json;
  json out = {{"version", ROOKERY_VERSION}, {"host", {{"cpu", cpu}, {"cores", report.cores}}},
              {"adapter", nullptr},         {"quick", quick},
              {"cpu", json::array()},       {"gpu", json::array()},
              {"misfits", json::array()},   {"sv32_cost", json::array()},
              {"mmu", json::array()},       {"verdicts", json::array()}};
  if (!report.adapter_name.empty()) out["adapter"] = report.adapter_name;
  for (const bench::CpuRow& row : report.cpu) {
    out["cpu"].push_back({{"kernel", row.kernel},
                          {"flavour", row.flavour},
                          {"one_core", to_json(row.one_core)},
                          {"all_cores", to_json(row.all_cores)}});
  }
  for (const bench::GpuRow& row : report.gpu) out["gpu"].push_back(to_json(row));
  for (const bench::Misfit& misfit : report.misfits) {
    out["misfits"].push_back({{"kernel", misfit.kernel},
                              {"flavour", misfit.flavour},
                              {"machines", misfit.machines},
                              {"reason", misfit.reason}});
  }
  for (const bench::Sv32Cost& cost : bench::sv32_costs(report)) {
    out["sv32_cost"].push_back({{"kernel", cost.kernel},
                                {"engine", cost.on_gpu ? "gpu" : "cpu"},
                                {"machines", cost.machines},
                                {"divergent", cost.divergent},
                                {"ratio", cost.ratio}});
  }
  for (const bench::TaskRow& row : report.mmu) out["mmu"].push_back(to_json(row));
  for (const bench::Verdict& verdict : bench::verdicts(report)) {
    json row = to_json(verdict.row);
    if (verdict.worth_it_from != 0) row["worth_it_from"] = verdict.worth_it_from;
    row["sentence"] = verdict.sentence;
    out["verdicts"].push_back(std::move(row));
  }
  return out;
}

// Fills in what the adapter is, if there is one. A sentence for the reader if there is none.
Result<std::string> find_adapter(const BenchArguments& arguments, bench::BenchOptions& options) {
  const std::string none = "The GPU was not measured: ";
  if (arguments.engine.engine == "cpu" && arguments.engine.adapter.empty())
    return none + "--engine says cpu.";
  auto choice = choose_engine(arguments.engine);
  if (!choice) return std::unexpected(std::move(choice.error()));
  if (choice->adapter.empty()) {
    return none + "no GPU adapter was found. --adapter software measures one emulated by the CPU.";
  }
  options.make_gpu = choice->make;
  options.adapter_name = choice->adapter;
  return "";
}

// Takes a kernel off the list of those to measure whose image is not there, and gives a sentence
// about it; an error if it was asked for by name.
Result<std::string> need_image(const char* kernel, const char* image,
                               const BenchArguments& arguments, bench::BenchOptions& options,
                               ImageDescription& description) {
  if (std::count(options.kernels.begin(), options.kernels.end(), kernel) == 0) return "";
  auto found = find_image(image);
  if (found) {
    description = *std::move(found);
    return "";
  }
  std::erase(options.kernels, kernel);
  const std::string sentence =
      fmt::format("The kernel \"{}\" needs the {} image. {}", kernel, image, found.error().text());
  if (std::count(arguments.kernels.begin(), arguments.kernels.end(), kernel) != 0)
    return fail(found.error().kind, "{}", sentence);
  return sentence;
}

Result<int> run_bench_command(const BenchArguments& arguments) {
  bench::BenchOptions options;
  options.flat = arguments.flat;
  options.cores = std::max(1u, std::thread::hardware_concurrency());
  if (!arguments.machines.empty()) {
    auto machines = parse_machines(arguments.machines);
    if (!machines) return std::unexpected(std::move(machines.error()));
    options.machines = *std::move(machines);
  }
  if (!arguments.seconds.empty()) {
    auto us = parse_seconds(arguments.seconds, "--seconds");
    if (!us) return std::unexpected(std::move(us.error()));
    options.measure.seconds = static_cast<double>(*us) / 1e6;
  }
  options.kernels = arguments.kernels.empty() ? all_kernels() : arguments.kernels;
  std::string missing;  // sentences
  for (auto [kernel, image, description] :
       {std::tuple{kLinux, kDefaultImage, &options.sv32_image},
        std::tuple{bench::kMmu, kDefaultImage, &options.sv32_image},
        std::tuple{bench::kMmu, kNommuImage, &options.nommu_image}}) {
    auto sentence = need_image(kernel, image, arguments, options, *description);
    if (!sentence) return std::unexpected(std::move(sentence.error()));
    if (!sentence->empty()) missing += (missing.empty() ? "" : "\n") + *sentence;
  }

  auto no_gpu = find_adapter(arguments, options);
  if (!no_gpu) return std::unexpected(std::move(no_gpu.error()));
  options.measure.slow = options.make_gpu && is_software(options.adapter_name);
  const Extent extent = extent_of(arguments.quick, options.measure.slow);
  if (arguments.kernels.empty()) {
    std::erase_if(options.kernels, [&](const std::string& kernel) {
      return std::count(extent.kernels.begin(), extent.kernels.end(), kernel) == 0;
    });
  }
  if (options.machines.empty()) options.machines = extent.machines;
  if (arguments.seconds.empty()) options.measure.seconds = extent.seconds;
  options.linux_steps = extent.linux_steps;
  options.mmu_machines = arguments.machines.empty() ? extent.mmu_machines : options.machines;
  options.measure.stop_requested = [] { return stop_signal() != 0; };

  Progress progress;
  options.progress = [&](const std::string& what) { progress.show(what); };
  auto report = bench::run_bench(options);
  progress.erase();
  if (stop_signal() != 0) return kExitSignalBase + stop_signal();
  if (!report) return std::unexpected(std::move(report.error()));

  const std::string cpu = cpu_model();
  const std::string json = report_json(*report, cpu, arguments.quick).dump(2) + "\n";
  if (arguments.json_given && arguments.json == kStandardOutput) {
    fmt::print("{}", json);
    return kExitGood;
  }
  fmt::print("{}", report_text(*report, cpu, *no_gpu, missing));
  if (!arguments.json_given) return kExitGood;
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(json.data()), json.size());
  if (auto written = write_file(arguments.json, "results", bytes); !written)
    return std::unexpected(std::move(written.error()));
  return kExitGood;
}

}  // namespace

void add_bench_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("bench", "Tell whether the GPU is worth it on this host");
  auto arguments = std::make_shared<BenchArguments>();
  command
      ->add_option("--engine", arguments->engine.engine,
                   "auto (default): the GPU if there is one, and the CPU; cpu: the CPU alone")
      ->check(CLI::IsMember({"auto", "cpu", "gpu"}))
      ->type_name("auto|cpu|gpu");
  command
      ->add_option("--adapter", arguments->engine.adapter,
                   "GPU whose name contains this, or software")
      ->type_name("NAME|software");
  command->add_option("--kernels", arguments->kernels, "What the machines do (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember(all_kernels()))
      ->type_name("LIST");
  command->add_option("--vms", arguments->machines, "Numbers of machines on the GPU: 1,4096,65536")
      ->type_name("LIST");
  command->add_option("--seconds", arguments->seconds, "Time of one measurement (default 1)")
      ->type_name("SECONDS");
  command->add_flag("--flat", arguments->flat, "The kernels without Sv32 too, and what Sv32 costs");
  command->add_flag("--quick", arguments->quick, "Fewer and shorter measurements: half a minute");
  auto* json = command
                   ->add_option("--json", arguments->json,
                                "Results for programs; without FILE, nothing but JSON is printed")
                   ->expected(0, 1)
                   ->type_name("[FILE|-]");
  command->footer(
      "Each machine is a whole RISC-V machine; all of one measurement run in one dispatch of the "
      "ordinary engine.\n"
      "converged: all machines do the same. divergent: each has a seed of its own. linux: the "
      "first instructions\n"
      "of booting the default image. mmu: Linux with Sv32 against NOMMU, the same work of a user\n"
      "program. Every measurement ends with a check against the CPU engine.\n"
      "Below 2x the CPU engine on all cores, the GPU is said not to be worth it for that load.\n"
      "\n"
      "Examples:\n"
      "  rookery bench                                   two to three minutes\n"
      "  rookery bench --quick --adapter software        on a GPU emulated by the CPU\n"
      "  rookery bench --kernels integer,linux --vms 1,16384 --flat\n"
      "  rookery bench --json results.json");
  command->callback([&chosen, arguments, json] {
    arguments->json_given = json->count() > 0;
    if (arguments->json.empty()) arguments->json = kStandardOutput;
    chosen = [arguments] { return run_bench_command(*arguments); };
  });
}

}  // namespace rookery::cli
