// SPDX-License-Identifier: Apache-2.0
// What `rookery bench` makes of an engine: the CPU engine plays the GPU here, and engines that have
// too little room, compute wrongly or count wrongly must be found out.
#include "bench/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/cpu/cpu_engine.h"
#include "engine/forwarding_engine.h"

namespace rookery::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The CPU engine with a flaw.
struct Flaw {
  u32 max_machines = ~0u;
  bool computes_wrongly = false;
  bool counts_wrongly = false;
};

class FlawedEngine final : public ForwardingEngine {
 public:
  FlawedEngine(std::unique_ptr<Engine> engine, Flaw flaw)
      : ForwardingEngine(std::move(engine)), flaw_(flaw) {}
  Result<RunReport> run(u64 max_steps) override {
    auto report = engine_->run(std::min<u64>(max_steps, 20'000));
    if (report && flaw_.counts_wrongly) ++report->steps;
    if (report && flaw_.computes_wrongly) {
      auto state = engine_->read_state(0);
      std::visit([](auto& s) { s.hart.mscratch = 1; }, *state);
      (void)engine_->write_state(0, *state);
    }
    return report;
  }

 private:
  Flaw flaw_;
};

BenchOptions options_with(Flaw flaw) {
  BenchOptions options;
  options.kernels = {"integer", "memory"};
  options.machines = {1, 4, 16};
  options.cores = 2;
  options.measure.seconds = 0.01;
  options.adapter_name = "Paper GPU";
  options.make_gpu = [flaw](const EngineConfig& config) -> Result<std::unique_ptr<Engine>> {
    if (config.vm_count > flaw.max_machines)
      return fail(ErrorKind::out_of_memory, "It is too small.");
    auto engine = create_cpu_engine(config);
    if (!engine) return engine;
    return std::make_unique<FlawedEngine>(*std::move(engine), flaw);
  };
  return options;
}

TEST(Bench, MeasuresConvergedAndDivergentMachines) {
  const auto report = run_bench(options_with({}));
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report->cpu.size(), 2u);
  ASSERT_EQ(report->gpu.size(), 10u);
  EXPECT_TRUE(report->misfits.empty());
  for (const GpuRow& row : report->gpu) {
    EXPECT_EQ(row.cpu_cores, std::min(row.machines, 2u));
    EXPECT_GE(row.speed.samples, kMinSamples);
    EXPECT_LE(row.speed.lowest, row.speed.median);
    EXPECT_LE(row.speed.median, row.speed.highest);
    EXPECT_EQ(row.speed.instructions % row.machines, 0u);
  }
}

TEST(Bench, SaysHowManyDoNotFitAndGoesOn) {
  const auto report = run_bench(options_with({.max_machines = 3}));
  ASSERT_TRUE(report.has_value()) << report.error().text();
  ASSERT_EQ(report->gpu.size(), 2u);
  EXPECT_EQ(report->gpu[1].kernel, "memory");
  ASSERT_EQ(report->misfits.size(), 2u);
  EXPECT_EQ(report->misfits[0].machines, 4u);
  EXPECT_EQ(report->misfits[0].reason, "It is too small.");
}

TEST(Bench, FailsIfTheEngineComputesWrongly) {
  const auto report = run_bench(options_with({.computes_wrongly = true}));
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().kind, ErrorKind::internal);
  EXPECT_THAT(report.error().text(), HasSubstr("computed wrongly"));
}

TEST(Bench, FailsIfTheEngineCountsWrongly) {
  const auto report = run_bench(options_with({.counts_wrongly = true}));
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().text(), HasSubstr("steps where"));
}

TEST(Bench, EndsWhenAskedTo) {
  BenchOptions options = options_with({});
  options.measure.stop_requested = [] { return true; };
  EXPECT_FALSE(run_bench(options).has_value());
}

TEST(Bench, Judges) {
  BenchReport report;
  report.adapter_name = "Paper GPU";
  report.cores = 16;
  report.cpu.push_back({"integer", "sv32", {}, {}});
  const auto add = [&](u32 machines, bool divergent, double speed, double cpu_speed) {
    GpuRow row{"integer", "sv32", machines, divergent, {}, std::min(machines, 16u), cpu_speed};
    row.speed.median = speed;
    report.gpu.push_back(row);
  };
  add(1, false, 3.1e6, 310e6);
  add(256, false, 1e9, 4e9);
  add(256, true, 1e9, 4e9);
  add(4'096, false, 80e9, 4e9);
  add(4'096, true, 7.9e9, 4e9);
  add(65'536, false, 100e9, 4e9);
  std::vector<std::string> sentences;
  for (const Verdict& verdict : verdicts(report)) sentences.push_back(verdict.sentence);
  EXPECT_THAT(sentences, ElementsAre("integer, one machine: 3.10 MIPS on Paper GPU, 0.01x one core "
                                     "of this host: the GPU is not "
                                     "worth it.",
                                     "integer, 65,536 machines, converged: 100 GIPS on Paper GPU, "
                                     "25.0x 16 cores of this host: worth "
                                     "it, and from 4,096 machines on.",
                                     "integer, 4,096 machines, divergent: 7.90 GIPS on Paper GPU, "
                                     "1.98x 16 cores of this host: the "
                                     "GPU is not worth it."));
}

TEST(Bench, ComparesSv32WithFlatMemory) {
  BenchReport report;
  Speed slow;
  slow.median = 2e9;
  Speed fast;
  fast.median = 3e9;
  report.gpu.push_back({"memory", "flat", 256, true, fast, 1, 1});
  report.gpu.push_back({"memory", "sv32", 64, true, slow, 1, 1});
  report.gpu.push_back({"memory", "sv32", 256, true, slow, 1, 1});
  const auto costs = sv32_costs(report);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].machines, 256u);
  EXPECT_DOUBLE_EQ(costs[0].ratio, 1.5);
}

Result<std::unique_ptr<Engine>> flawed_engine(const EngineConfig& config, Flaw flaw) {
  auto engine = create_cpu_engine(config);
  if (!engine) return engine;
  return std::make_unique<FlawedEngine>(*std::move(engine), flaw);
}

TEST(Bench, ComparesLinuxTasksAndFindsWrongMachines) {
  std::vector<LinuxTasks> plans;
  for (const char* image : {"default", "nommu"}) {
    const auto description =
        read_image_description(fmt::format("{}/images/{}/image.json", ROOKERY_SOURCE_DIR, image));
    ASSERT_TRUE(description.has_value()) << description.error().text();
    auto plan = plan_linux_tasks(*description);
    ASSERT_TRUE(plan.has_value()) << plan.error().text();
    EXPECT_GT(plan->pages_per_machine, 10u);
    plans.push_back(*std::move(plan));
  }
  const auto right = [](const EngineConfig& config) { return flawed_engine(config, {}); };
  const auto rows = compare_linux_tasks_on_gpu(right, plans[0], plans[1], 2, {});
  ASSERT_TRUE(rows.has_value()) << rows.error().text();
  ASSERT_EQ(rows->size(), plans[0].tasks.size() - 1) << "the warm-up has no row";
  for (const TaskRow& row : *rows) {
    EXPECT_TRUE(row.on_gpu);
    EXPECT_EQ(row.machines, 2u);
    EXPECT_GT(row.sv32.instructions, 100'000u) << row.task;
    EXPECT_GT(row.nommu.instructions, 100'000u) << row.task;
    EXPECT_GT(row.cost(), 0) << row.task;
  }

  const auto wrong = [](const EngineConfig& config) {
    return flawed_engine(config, {.computes_wrongly = true});
  };
  const auto found = measure_linux_tasks(wrong, plans[0], 1, {});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().kind, ErrorKind::internal);
  EXPECT_THAT(found.error().text(), HasSubstr("computed wrongly"));

  MeasureOptions stopped;
  stopped.stop_requested = [] { return true; };
  EXPECT_FALSE(measure_linux_tasks(right, plans[1], 1, stopped).has_value());
}

TEST(Bench, SaysHowFarAnImageCameThatCannotRunTheTasks) {
  auto description = read_image_description(ROOKERY_SOURCE_DIR "/images/nommu/image.json");
  ASSERT_TRUE(description.has_value()) << description.error().text();
  description->initrd_path.clear();
  const auto plan = plan_linux_tasks(*description);
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().text(), HasSubstr("waiting for mark 0 of the tasks' program"));
  EXPECT_THAT(plan.error().text(), HasSubstr("Kernel panic"));
}

TEST(Bench, WritesNumbersForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(131'072), "131,072");
  EXPECT_EQ(grouped(1'000'000), "1,000,000");
  EXPECT_EQ(speed_text(531e3), "0.53 MIPS");
  EXPECT_EQ(speed_text(62.1e9), "62.1 GIPS");
  EXPECT_EQ(ratio_text(0.00081), "0.0008x");
  EXPECT_EQ(ratio_text(23.94), "23.9x");
}

}  // namespace
}  // namespace rookery::bench
