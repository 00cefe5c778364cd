// SPDX-License-Identifier: Apache-2.0
#include "fleet/parallel_engine.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace rookery {
namespace {

// Threads that wait for something to do. One at a time gives them work.
class Workers {
 public:
  explicit Workers(u32 count) {
    for (u32 i = 1; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Calls task(i) for all i below `count`, on this thread too, and returns when all are done.
  void for_each(u32 count, const std::function<void(u32)>& task) {
    std::unique_lock lock(mutex_);
    task_ = &task;
    next_ = 0;
    count_ = count;
    left_ = count;
    wake_.notify_all();
    take_tasks(lock);
    done_.wait(lock, [this] { return left_ == 0; });
    task_ = nullptr;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (!ends_) {
      take_tasks(lock);
      wake_.wait(lock, [this] { return ends_ || (task_ != nullptr && next_ < count_); });
    }
  }

  void take_tasks(std::unique_lock<std::mutex>& lock) {
    while (task_ != nullptr && next_ < count_) {
      const u32 mine = next_++;
      const std::function<void(u32)>& task = *task_;
      lock.unlock();
      task(mine);
      lock.lock();
      if (--left_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(u32)>* task_ = nullptr;
  u32 next_ = 0;
  u32 count_ = 0;
  u32 left_ = 0;
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

// Of a machine, before the others that wait for it get on: about 2 ms.
constexpr u64 kUnevenSteps = 500'000;

class ParallelEngine final : public Engine {
 public:
  ParallelEngine(const EngineConfig& config, std::vector<std::unique_ptr<Engine>> engines,
                 u32 threads)
      : config_(config),
        engines_(std::move(engines)),
        runnable_(engines_.size(), true),
        name_(fmt::format("{}, {} threads", engines_.front()->name(), threads)),
        workers_(threads) {}

  std::string_view name() const override { return name_; }
  const EngineConfig& config() const override { return config_; }

  Result<RunReport> run(u64 max_steps) override {
    std::vector<u32> who;
    for (u32 vm = 0; vm < engines_.size(); ++vm) {
      if (runnable_[vm]) who.push_back(vm);
    }
    std::vector<Result<RunReport>> reports(who.size());
    workers_.for_each(static_cast<u32>(who.size()),
                      [&](u32 i) { reports[i] = engines_[who[i]]->run(max_steps); });
    RunReport all;
    for (u64 i = 0; i < who.size(); ++i) {
      if (!reports[i]) return reports[i];
      all.steps = std::max(all.steps, reports[i]->steps);
      for (Exit exit : reports[i]->exits) {
        exit.vm = who[i];
        runnable_[who[i]] = false;
        all.exits.push_back(exit);
      }
    }
    return all;
  }

  Result<RunReport> run_unevenly(u64 max_steps) override {
    return run(std::min(max_steps, kUnevenSteps));
  }

  Result<MachineState> read_state(u32 vm) override { return engines_[vm]->read_state(0); }
  Result<void> write_state(u32 vm, const MachineState& state) override {
    runnable_[vm] = true;  // or it exits again at once
    return engines_[vm]->write_state(0, state);
  }
  Result<void> read_ram(u32 vm, u32 pa, std::span<u8> out) override {
    return engines_[vm]->read_ram(0, pa, out);
  }
  Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) override {
    return engines_[vm]->write_ram(0, pa, bytes);
  }
  Result<void> load_base(u32 pa, std::span<const u8> bytes) override {
    return for_all([&](Engine& engine) { return engine.load_base(pa, bytes); });
  }
  Result<void> load_state(const MachineState& state) override {
    return for_all([&](Engine& engine) { return engine.load_state(state); });
  }
  Result<void> reset(std::span<const u32> vms, const Checkpoint& loaded) override {
    std::vector<Result<void>> results(vms.size());
    workers_.for_each(static_cast<u32>(vms.size()), [&](u32 i) {
      const u32 only = 0;
      results[i] = engines_[vms[i]]->reset({&only, 1}, loaded);
    });
    for (const u32 vm : vms) runnable_[vm] = true;
    return first_error(results);
  }
  std::string take_console(u32 vm) override { return engines_[vm]->take_console(0); }
  Result<u32> push_input(u32 vm, std::span<const u8> bytes) override {
    return engines_[vm]->push_input(0, bytes);
  }
  Result<u32> queue_input(u32 vm, std::span<const u8> bytes, bool more) override {
    return engines_[vm]->queue_input(0, bytes, more);
  }
  Result<void> stop_at(u32 vm, u64 icount) override { return engines_[vm]->stop_at(0, icount); }
  Result<HostOrders> read_orders(u32 vm) override { return engines_[vm]->read_orders(0); }
  Result<void> write_orders(u32 vm, const HostOrders& orders) override {
    return engines_[vm]->write_orders(0, orders);
  }
  Result<void> stop_on_texts(std::shared_ptr<const ConsoleTexts> texts) override {
    return for_all([&](Engine& engine) { return engine.stop_on_texts(texts); });
  }
  Result<void> set_stuck(u32 vm, const std::optional<WordBits>& stuck) override {
    return engines_[vm]->set_stuck(0, stuck);
  }
  Result<void> change_at(u32 vm, const std::optional<LaterChange>& change) override {
    return engines_[vm]->change_at(0, change);
  }
  Result<void> compare_path(std::shared_ptr<const InstructionPath> path) override {
    return for_all([&](Engine& engine) { return engine.compare_path(path); });
  }
  Result<std::vector<std::optional<Parting>>> partings(std::span<const u32> vms) override {
    std::vector<std::optional<Parting>> found;
    const u32 only = 0;
    for (const u32 vm : vms) {
      auto parting = engines_[vm]->partings({&only, 1});
      if (!parting) return parting;
      found.push_back(parting->front());
    }
    return found;
  }
  Result<void> resume(u32 vm) override {
    runnable_[vm] = true;
    return engines_[vm]->resume(0);
  }
  Result<u64> state_hash(u32 vm) override { return engines_[vm]->state_hash(0); }
  Result<std::vector<u64>> state_hashes(std::span<const u32> vms) override {
    std::vector<Result<u64>> found(vms.size());
    workers_.for_each(static_cast<u32>(vms.size()),
                      [&](u32 i) { found[i] = engines_[vms[i]]->state_hash(0); });
    std::vector<u64> hashes;
    for (Result<u64>& hash : found) {
      if (!hash) return std::unexpected(std::move(hash.error()));
      hashes.push_back(*hash);
    }
    return hashes;
  }
  Result<std::vector<u32>> dirty_page_numbers(u32 vm) override {
    return engines_[vm]->dirty_page_numbers(0);
  }
  Result<void> read_pages(u32 vm, std::span<const u32> numbers, std::span<u8> out) override {
    return engines_[vm]->read_pages(0, numbers, out);
  }
  Result<void> set_stops(u32 vm, std::span<const StopPoint> stops) override {
    return engines_[vm]->set_stops(0, stops);
  }
  Result<void> set_trace(u32 vm, const std::optional<TraceOptions>& options) override {
    return engines_[vm]->set_trace(0, options);
  }
  std::vector<TraceRecord> take_trace(u32 vm) override { return engines_[vm]->take_trace(0); }
  Result<void> set_profile(u32 vm, bool on) override { return engines_[vm]->set_profile(0, on); }
  Result<Profile> read_profile(u32 vm) override { return engines_[vm]->read_profile(0); }

 private:
  static Result<void> first_error(std::vector<Result<void>>& results) {
    for (Result<void>& result : results) {
      if (!result) return std::move(result);
    }
    return {};
  }

  Result<void> for_all(const std::function<Result<void>(Engine&)>& what) {
    std::vector<Result<void>> results(engines_.size());
    workers_.for_each(static_cast<u32>(engines_.size()),
                      [&](u32 i) { results[i] = what(*engines_[i]); });
    return first_error(results);
  }

  EngineConfig config_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::vector<bool> runnable_;
  std::string name_;
  Workers workers_;
};

}  // namespace

Result<std::unique_ptr<Engine>> create_parallel_engine(const EngineConfig& config,
                                                       const MakeEngine& make_one, u32 threads) {
  if (Result<void> ok = check_engine_config(config); !ok)
    return std::unexpected(std::move(ok.error()));
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  EngineConfig one = config;
  one.vm_count = 1;
  std::vector<std::unique_ptr<Engine>> engines;
  for (u32 vm = 0; vm < config.vm_count; ++vm) {
    Result<std::unique_ptr<Engine>> engine = make_one(one);
    if (!engine) return engine;
    engines.push_back(std::move(*engine));
  }
  return std::make_unique<ParallelEngine>(config, std::move(engines), threads);
}

}  // namespace rookery
