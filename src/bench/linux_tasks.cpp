// SPDX-License-Identifier: Apache-2.0
#include "bench/linux_tasks.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "engine/cpu/cpu_engine.h"

namespace rookery::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr u64 kRamBytes = 16 * kMiB;        // enough for either image
constexpr u64 kChunkSteps = 1'000;          // how exactly a task's end is found
constexpr u64 kMaxSteps = 100'000'000;      // an image that has not come so far by then is broken
constexpr u64 kFirstDispatchSteps = 1'000;  // of an emulated adapter
constexpr u32 kCpuRuns = 15;
constexpr u32 kGpuRuns = 3;

struct TaskSource {
  const char* name;
  const char* awk;
};

// Statements of Busybox's awk: a program of either image, compiled from the same source. The
// kernel's command line carries them, so they hold no double quotes. One that cannot do its work
// ends the program, and the mark that follows it never comes.
constexpr std::array kTasks = {
    TaskSource{"", "for(i=0;i<20;i++)x=x/3+i"},
    TaskSource{"computing", "for(i=0;i<100;i++)x=x/3+i"},
    TaskSource{"memory", "for(i=0;i<60;i++)a[i]=i;for(k in a)s+=a[k]"},
    TaskSource{"system calls", "for(i=0;i<50;i++){print>f;close(f)}"},
    TaskSource{"shell start", "if(system(c)!=3)exit"},
};

// Printed when the task of this number begins, or the last has ended.
std::string mark(size_t number) { return fmt::format("task{}\r\n", number); }

std::string command() {
  std::string program;
  for (size_t i = 0; i < kTasks.size(); ++i)
    program += fmt::format("print m {};{};", i, kTasks[i].awk);
  return fmt::format("awk -v m=task -v f=/dev/null -v c='exit 3' 'BEGIN{{{}print m {}}}'", program,
                     kTasks.size());
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Runs until the machine has printed mark(number). Gives the steps made, to the next multiple of
// kChunkSteps.
Result<u64> run_until_mark(Engine& engine, size_t number) {
  std::string console;
  for (u64 steps = 0; steps < kMaxSteps; steps += kChunkSteps) {
    auto ran = run_exactly(engine, kChunkSteps);
    console += engine.take_console(0);
    if (console.find(mark(number)) != std::string::npos) return steps + kChunkSteps;
    if (!ran) {
      return std::unexpected(std::move(ran.error())
                                 .during(fmt::format("waiting for mark {} of the tasks' program, "
                                                     "after the image had printed: {}",
                                                     number, console)));
    }
  }
  return fail(ErrorKind::image,
              "The image has not come to mark {} of the tasks' program within {} instructions; it "
              "printed: {}",
              number, kMaxSteps, console);
}

// All of RAM that is not zero.
Result<std::vector<BootPiece>> pieces_of_ram(Engine& engine) {
  std::vector<u8> ram(engine.config().ram_bytes);
  if (auto read = engine.read_ram(0, isa::RAM_BASE, ram); !read)
    return std::unexpected(std::move(read.error()));
  std::vector<BootPiece> pieces;
  for (u64 at = 0; at < ram.size(); at += isa::PAGE_BYTES) {
    const std::span<const u8> page(ram.data() + at, isa::PAGE_BYTES);
    if (std::all_of(page.begin(), page.end(), [](u8 byte) { return byte == 0; })) continue;
    const u32 pa = isa::RAM_BASE + static_cast<u32>(at);
    if (pieces.empty() || pieces.back().pa + pieces.back().bytes.size() != pa)
      pieces.push_back({pa, {}});
    pieces.back().bytes.insert(pieces.back().bytes.end(), page.begin(), page.end());
  }
  return pieces;
}

Result<std::unique_ptr<Engine>> load_tasks(const MakeEngine& make, const LinuxTasks& plan,
                                           u32 machines) {
  EngineConfig config;
  config.xlen = plan.image.xlen;
  config.ram_bytes = plan.image.ram_bytes;
  config.vm_count = machines;
  config.pool_pages = machines == 1 ? 0 : plan.pages_per_machine * machines;
  auto engine = make(config);
  if (!engine) return engine;
  for (const BootPiece& piece : plan.image.pieces) {
    if (auto loaded = (*engine)->load_base(piece.pa, piece.bytes); !loaded)
      return std::unexpected(std::move(loaded.error()));
  }
  for (u32 vm = 0; vm < machines; ++vm) {
    if (auto written = (*engine)->write_state(vm, plan.state); !written)
      return std::unexpected(std::move(written.error()));
  }
  return engine;
}

Result<void> check_outcome(Engine& engine, u32 vm, const LinuxTasks::Task& task) {
  auto hash = engine.state_hash(vm);
  if (!hash) return std::unexpected(std::move(hash.error()));
  if (*hash == task.end_hash) return {};
  return fail(ErrorKind::internal,
              "Machine {} computed wrongly: after the task its state hash is {:016x}, on the CPU "
              "engine it is {:016x}.",
              vm, *hash, task.end_hash);
}

Result<std::unique_ptr<Engine>> make_cpu(const EngineConfig& config) {
  return create_cpu_engine(config);
}

// The fastest of `runs` runs of both, by turns. `like` says on what.
Result<std::vector<TaskRow>> compare(const MakeEngine& make, const LinuxTasks& sv32,
                                     const LinuxTasks& nommu, u32 runs, const TaskRow& like,
                                     const MeasureOptions& options) {
  std::vector<TaskRow> rows;
  for (const LinuxTasks::Task& task : sv32.tasks) {
    if (task.name.empty()) continue;
    rows.push_back(like);
    rows.back().task = task.name;
  }
  for (u32 run = 0; run < runs; ++run) {
    for (auto [plan, side] :
         {std::pair{&sv32, &TaskRow::sv32}, std::pair{&nommu, &TaskRow::nommu}}) {
      auto times = measure_linux_tasks(make, *plan, like.machines, options);
      if (!times) return std::unexpected(std::move(times.error()));
      for (size_t task = 0; task < rows.size(); ++task) {
        TaskTime& best = rows[task].*side;
        if (run == 0 || (*times)[task].seconds < best.seconds) best = (*times)[task];
      }
    }
  }
  return rows;
}

}  // namespace

Result<LinuxTasks> plan_linux_tasks(const ImageDescription& description) {
  const auto during = [&](Error&& error) {
    return std::unexpected(
        std::move(error).during(fmt::format("preparing \"{}\"", description.kernel_path)));
  };
  LinuxTasks plan;
  MachineConfig config;
  config.ram_bytes = kRamBytes;
  config.kernel_path = description.kernel_path;
  config.initrd_path = description.initrd_path;
  config.append = fmt::format("console=ttyS0 quiet retain_initrd panic=-1 run=\"{}\"", command());
  auto files = read_boot_files(config);
  if (!files) return during(std::move(files.error()));
  config.xlen = guess_xlen(*files).value_or(description.xlen);
  auto image = plan_boot(config, *std::move(files));
  if (!image) return during(std::move(image.error()));
  plan.image = *std::move(image);
  plan.state = initial_state(plan.image);

  auto engine = load_tasks(make_cpu, plan, 1);
  if (!engine) return during(std::move(engine.error()));
  if (auto booted = run_until_mark(**engine, 0); !booted) return during(std::move(booted.error()));
  auto state = (*engine)->read_state(0);
  if (!state) return during(std::move(state.error()));
  auto pieces = pieces_of_ram(**engine);
  if (!pieces) return during(std::move(pieces.error()));
  plan.state = *std::move(state);
  plan.image.pieces = *std::move(pieces);

  engine = load_tasks(make_cpu, plan, 1);
  if (!engine) return during(std::move(engine.error()));
  for (size_t i = 0; i < kTasks.size(); ++i) {
    auto steps = run_until_mark(**engine, i + 1);
    if (!steps) return during(std::move(steps.error()));
    auto hash = (*engine)->state_hash(0);
    if (!hash) return during(std::move(hash.error()));
    plan.tasks.push_back({kTasks[i].name, *steps, *hash});
  }
  auto pages = (*engine)->dirty_pages(0);
  if (!pages) return during(std::move(pages.error()));
  plan.pages_per_machine = *pages;
  return plan;
}

Result<std::vector<TaskTime>> measure_linux_tasks(const MakeEngine& make, const LinuxTasks& plan,
                                                  u32 machines, const MeasureOptions& options) {
  auto engine = load_tasks(make, plan, machines);
  if (!engine) return std::unexpected(std::move(engine.error()));
  std::vector<TaskTime> times;
  for (const LinuxTasks::Task& task : plan.tasks) {
    const auto during = [&](Error&& error) {
      return std::unexpected(std::move(error).during(fmt::format(
          "measuring {} on {} machine{} ({})", task.name.empty() ? "a warm-up" : task.name,
          machines, machines == 1 ? "" : "s", (*engine)->name())));
    };
    TaskTime time;
    for (u64 left = task.steps; left > 0;) {
      if (options.stop_requested && options.stop_requested())
        return during({ErrorKind::internal, "Stopped on request.", {}});
      const bool first = options.slow && times.empty() && left == task.steps;
      const auto start = Clock::now();
      auto report = (*engine)->run(first ? std::min(left, kFirstDispatchSteps) : left);
      time.seconds += seconds_since(start);
      if (!report) return during(std::move(report.error()));
      if (!report->exits.empty() || report->steps == 0) {
        const u32 reason = report->exits.empty() ? 0 : report->exits.front().reason;
        return during({ErrorKind::internal,
                       fmt::format("The engine stopped (exit {}) with {} steps to go.", reason,
                                   left - report->steps),
                       {}});
      }
      left -= report->steps;
    }
    time.instructions = task.steps;
    if (auto ok = check_outcome(**engine, machines - 1, task); !ok)
      return during(std::move(ok.error()));
    for (u32 vm = 0; vm < machines; ++vm) (void)(*engine)->take_console(vm);
    if (!task.name.empty()) times.push_back(time);
  }
  return times;
}

Result<std::vector<TaskRow>> compare_linux_tasks_on_cpu(const LinuxTasks& sv32,
                                                        const LinuxTasks& nommu,
                                                        const MeasureOptions& options) {
  return compare(make_cpu, sv32, nommu, kCpuRuns,
                 {.task = "", .on_gpu = false, .machines = 1, .sv32 = {}, .nommu = {}}, options);
}

Result<std::vector<TaskRow>> compare_linux_tasks_on_gpu(const MakeEngine& make,
                                                        const LinuxTasks& sv32,
                                                        const LinuxTasks& nommu, u32 machines,
                                                        const MeasureOptions& options) {
  return compare(make, sv32, nommu, options.slow ? 1 : kGpuRuns,
                 {.task = "", .on_gpu = true, .machines = machines, .sv32 = {}, .nommu = {}},
                 options);
}

}  // namespace rookery::bench
