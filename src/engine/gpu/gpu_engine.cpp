// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/gpu_engine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "device/uart/uart.h"
#include "engine/gpu/shard.h"
#include "engine/gpu/state_hasher.h"
#include "engine/gpu/watch.h"

namespace rookery {
namespace {

using gpu::bytes_of;

// How long a dispatch shall take: far below any watchdog, and short enough to type into one
// machine.
constexpr double kInteractiveSeconds = 0.020;
constexpr double kFleetSeconds = 0.100;
constexpr u32 kFirstBudget = 20'000;
constexpr u32 kMinBudget = 1'000;
constexpr u32 kMaxBudget = 1u << 30;

// Private pages for each of many machines to begin with; a full pool grows.
constexpr u64 kPagesPerMachine = 16;

u32 run_state_word(Xlen xlen) {
  const auto word = [](const auto& state) {
    return static_cast<u32>(&state.machine.run_state - state.words().data());
  };
  return std::visit(word, isa::make_state(xlen));
}

Result<gpu::ComputePipeline> make_pipeline(gpu::GpuDevice& device, Xlen xlen,
                                           InterpreterVariant variant,
                                           const ShaderModules& replaced) {
  Result<gpu::AssembledShader> shader = assemble_interpreter(xlen, variant, replaced);
  if (!shader) return std::unexpected(std::move(shader.error()));
  using gpu::BindingType;
  gpu::PipelineDescription description;
  description.label = xlen == Xlen::rv32 ? "interpreter_rv32" : "interpreter_rv64";
  description.shader = &*shader;
  description.bindings = {{0, BindingType::uniform},           {1, BindingType::read_only_storage},
                          {2, BindingType::read_only_storage}, {3, BindingType::storage},
                          {4, BindingType::storage},           {5, BindingType::storage},
                          {6, BindingType::storage},           {7, BindingType::storage}};
  if (variant == InterpreterVariant::watched) {
    description.label += "_watched";
    description.bindings.push_back({8, BindingType::storage});
  }
  return device.create_pipeline(description);
}

class GpuEngine final : public Engine {
 public:
  GpuEngine(const EngineConfig& config, gpu::GpuDevice device, gpu::ComputePipeline pipeline,
            ShaderModules replaced)
      : config_(config),
        device_(std::move(device)),
        pipeline_(std::move(pipeline)),
        replaced_(std::move(replaced)),
        name_("GPU (" + device_.adapter().name + ")"),
        base_(config.ram_bytes),
        state_words_(state_words(config.xlen)),
        run_state_word_(run_state_word(config.xlen)),
        staged_(u64{state_words_} * config.vm_count),
        consoles_(config.vm_count),
        traces_(config.vm_count) {}

  std::string_view name() const override { return name_; }
  const EngineConfig& config() const override { return config_; }

  Result<RunReport> run(u64 max_steps) override {
    Result<void> ready = upload();
    if (ready && watches_changed_) ready = configure_watches();
    if (!ready) return std::unexpected(std::move(ready.error()));
    const u32 budget = static_cast<u32>(std::min<u64>(max_steps, budget_));
    if (budget == 0) return RunReport{};
    RunReport report;
    bool served = false;
    // A dispatch whose machines all wait for the engine itself (memory, console) is followed by
    // another.
    do {
      served = false;
      if (Result<void> ok = dispatch(budget, report, served); !ok)
        return std::unexpected(std::move(ok.error()));
    } while (served && report.steps == 0 && report.exits.empty());
    return report;
  }

  Result<MachineState> read_state(u32 vm) override {
    MachineState state = isa::make_state(config_.xlen);
    const std::span<u32> words = words_of(state);
    if (shards_.empty()) {
      for (u64 w = 0; w < words.size(); ++w) words[w] = staged_[w * config_.vm_count + vm];
      return state;
    }
    const auto [shard, local] = place(vm);
    if (Result<void> ok = shards_[shard].read_state(device_, local, words); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    if (words[run_state_word_] == isa::RUN_STATE_WATCHED) words[run_state_word_] = isa::EXIT_NONE;
    return state;
  }

  Result<void> write_state(u32 vm, const MachineState& state) override {
    if (isa::xlen_of(state) != config_.xlen) {
      return fail(ErrorKind::usage, "A state of RV{} cannot be loaded into a machine of RV{}.",
                  static_cast<u32>(isa::xlen_of(state)), static_cast<u32>(config_.xlen));
    }
    MachineState copy = state;
    std::visit([&](auto& s) { s.machine.ram_bytes = static_cast<u32>(config_.ram_bytes); }, copy);
    const std::span<u32> words = words_of(copy);
    if (const auto found = watches_.find(vm); found != watches_.end() && found->second.stopped) {
      const Watch::Stopped now{icount_of(copy), pc_of(copy)};
      if (*found->second.stopped != now) {
        found->second.stopped.reset();
        watches_changed_ = true;
      }
    }
    if (shards_.empty()) {
      for (u64 w = 0; w < words.size(); ++w) staged_[w * config_.vm_count + vm] = words[w];
      return {};
    }
    if (words[run_state_word_] == isa::EXIT_NONE) words[run_state_word_] = runnable(vm);
    const auto [shard, local] = place(vm);
    return shards_[shard].write_state(device_, local, words);
  }

  Result<void> read_ram(u32 vm, u32 pa, std::span<u8> out) override {
    if (Result<void> ok = check_ram_range(config_, pa, out.size()); !ok) return ok;
    if (out.empty()) return {};
    const u64 offset = pa - isa::RAM_BASE;
    std::vector<u32> numbers((offset + out.size() - 1) / isa::PAGE_BYTES -
                             offset / isa::PAGE_BYTES + 1);
    std::iota(numbers.begin(), numbers.end(), static_cast<u32>(offset / isa::PAGE_BYTES));
    std::vector<u8> pages(numbers.size() * isa::PAGE_BYTES);
    if (Result<void> ok = read_pages(vm, numbers, pages); !ok) return ok;
    std::memcpy(out.data(), pages.data() + offset % isa::PAGE_BYTES, out.size());
    return {};
  }

  Result<void> read_pages(u32 vm, std::span<const u32> numbers, std::span<u8> out) override {
    if (Result<void> ok = check_pages(config_, numbers, out.size()); !ok) return ok;
    if (Result<void> ok = upload(); !ok) return ok;
    const auto [shard, local] = place(vm);
    Result<std::vector<u32>> map = shards_[shard].read_page_map(device_, local);
    if (!map) return std::unexpected(std::move(map.error()));
    std::vector<std::pair<u32, u64>> pages;  // in the pool, in `out`
    for (u64 i = 0; i < numbers.size(); ++i) {
      if (const u32 page = (*map)[numbers[i]]; page != 0) {
        pages.emplace_back(page, i);
      } else {
        std::memcpy(out.data() + i * isa::PAGE_BYTES, base_.page(numbers[i]).data(),
                    isa::PAGE_BYTES);
      }
    }
    std::sort(pages.begin(), pages.end());
    std::vector<u32> in_pool;
    in_pool.reserve(pages.size());
    for (const auto& [page, at] : pages) in_pool.push_back(page);
    std::vector<u8> bytes(pages.size() * isa::PAGE_BYTES);
    if (Result<void> ok = shards_[shard].read_pool_pages(device_, in_pool, bytes); !ok) return ok;
    for (u64 i = 0; i < pages.size(); ++i) {
      std::memcpy(out.data() + pages[i].second * isa::PAGE_BYTES,
                  bytes.data() + i * isa::PAGE_BYTES, isa::PAGE_BYTES);
    }
    return {};
  }

  Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) override {
    if (Result<void> ok = check_ram_range(config_, pa, bytes.size()); !ok) return ok;
    if (Result<void> ok = upload(); !ok) return ok;
    const auto [shard, local] = place(vm);
    Result<std::vector<u32>> map = shards_[shard].read_page_map(device_, local);
    if (!map) return std::unexpected(std::move(map.error()));
    u64 offset = pa - isa::RAM_BASE;
    while (!bytes.empty()) {
      const u64 number = offset / isa::PAGE_BYTES;
      const u64 within = offset % isa::PAGE_BYTES;
      const u64 count = std::min<u64>(bytes.size(), isa::PAGE_BYTES - within);
      std::array<u8, isa::PAGE_BYTES> page;
      if (count < isa::PAGE_BYTES) {
        if (Result<void> ok = read_page(shards_[shard], (*map)[number], number, page); !ok)
          return ok;
      }
      std::memcpy(page.data() + within, bytes.data(), count);
      if (Result<void> ok =
              write_page(shards_[shard], local, (*map)[number], static_cast<u32>(number), page);
          !ok) {
        return ok;
      }
      bytes = bytes.subspan(count);
      offset += count;
    }
    return {};
  }

  Result<void> load_base(u32 pa, std::span<const u8> bytes) override {
    if (Result<void> ok = check_ram_range(config_, pa, bytes.size()); !ok) return ok;
    if (!shards_.empty())
      return fail(ErrorKind::internal, "The base pages cannot change once the machines run.");
    base_.load(pa - isa::RAM_BASE, bytes);
    return {};
  }

  std::string take_console(u32 vm) override { return std::exchange(consoles_[vm], {}); }

  Result<u32> push_input(u32 vm, std::span<const u8> bytes) override {
    Result<MachineState> state = read_state(vm);
    if (!state) return std::unexpected(std::move(state.error()));
    const u32 taken =
        std::visit([&](auto& s) { return device::uart_push_input(s.uart, bytes); }, *state);
    if (taken != 0) {
      if (Result<void> ok = write_state(vm, *state); !ok)
        return std::unexpected(std::move(ok.error()));
    }
    return taken;
  }

  Result<u64> state_hash(u32 vm) override {
    Result<std::vector<u64>> hashes = state_hashes({&vm, 1});
    if (!hashes) return std::unexpected(std::move(hashes.error()));
    return hashes->front();
  }

  Result<std::vector<u64>> state_hashes(std::span<const u32> vms) override {
    if (Result<void> ok = upload(); !ok) return std::unexpected(std::move(ok.error()));
    if (!hasher_) {
      Result<StateHasher> made = StateHasher::create(device_, config_.xlen, base_, vms_per_shard_);
      if (!made) return std::unexpected(std::move(made.error()));
      hasher_ = std::move(*made);
    }
    std::vector<u64> hashes(vms.size());
    for (u32 shard = 0; shard < shards_.size(); ++shard) {
      std::vector<u32> local;
      std::vector<u64> positions;  // in `vms`
      for (u64 i = 0; i < vms.size(); ++i) {
        if (place(vms[i]).first != shard) continue;
        local.push_back(place(vms[i]).second);
        positions.push_back(i);
      }
      if (local.empty()) continue;
      Result<std::vector<u64>> found = hasher_->hash(device_, shards_[shard], local);
      if (!found) return std::unexpected(std::move(found.error()));
      for (u64 i = 0; i < positions.size(); ++i) hashes[positions[i]] = (*found)[i];
    }
    return hashes;
  }

  Result<std::vector<u32>> dirty_page_numbers(u32 vm) override {
    if (shards_.empty()) return std::vector<u32>{};
    const auto [shard, local] = place(vm);
    Result<std::vector<u32>> map = shards_[shard].read_page_map(device_, local);
    if (!map) return map;
    std::vector<u32> numbers;
    for (u32 number = 0; number < map->size(); ++number) {
      if ((*map)[number] != 0) numbers.push_back(number);
    }
    return numbers;
  }

  Result<void> set_stops(u32 vm, std::span<const StopPoint> stops) override {
    if (Result<void> ok = check_stops(config_, stops); !ok) return ok;
    watches_[vm].stops.assign(stops.begin(), stops.end());
    watches_changed_ = true;
    return {};
  }

  Result<void> set_trace(u32 vm, const std::optional<TraceOptions>& options) override {
    watches_[vm].trace = options;
    watches_changed_ = true;
    return {};
  }

  Result<void> set_profile(u32 vm, bool on) override {
    Watch& watch = watches_[vm];
    watch.profile.assign(on ? isa::PROFILE_WORDS : 0, 0);
    watch.profile_is_new = true;
    watches_changed_ = true;
    return {};
  }

  Result<Profile> read_profile(u32 vm) override {
    const auto found = watches_.find(vm);
    if (found == watches_.end() || found->second.profile.empty()) return Profile{};
    if (!shard_watches_.empty()) {
      const u32 shard = place(vm).first;
      if (Result<void> ok = shard_watches_[shard].save_profiles(device_); !ok)
        return std::unexpected(std::move(ok.error()));
    }
    return profile_of(found->second.profile);
  }

  std::vector<TraceRecord> take_trace(u32 vm) override { return std::exchange(traces_[vm], {}); }

 private:
  static u32 state_words(Xlen xlen) {
    return std::visit([](const auto& state) { return static_cast<u32>(state.words().size()); },
                      isa::make_state(xlen));
  }
  static std::span<u32> words_of(MachineState& state) {
    return std::visit([](auto& s) { return s.words(); }, state);
  }

  u32 first_vm(u32 shard) const { return shard * vms_per_shard_; }
  // The shard of a machine and its number there.
  std::pair<u32, u32> place(u32 vm) const { return {vm / vms_per_shard_, vm % vms_per_shard_}; }

  // Makes the shards and fills them, once, before the first dispatch.
  Result<void> upload() {
    if (!shards_.empty()) return {};
    const gpu::AdapterLimits& limits = device_.limits();
    const u64 binding = std::min(limits.max_storage_binding_bytes, limits.max_buffer_bytes);
    const u64 ram_pages = config_.ram_bytes / isa::PAGE_BYTES;

    const std::span<const u8> base = base_.bytes();
    if (base.size() > binding) {
      return fail(ErrorKind::out_of_memory,
                  "The boot image needs {} MiB, the adapter binds at most {} MiB at once.",
                  base.size() >> 20, binding >> 20);
    }
    const u64 max_pool_pages =
        std::min<u64>(binding / isa::PAGE_BYTES, u64{1} << 21);  // a fold has 31 bits of words
    const u64 wanted = config_.pool_pages != 0 ? config_.pool_pages
                       : config_.vm_count == 1 ? ram_pages
                                               : kPagesPerMachine * config_.vm_count;
    // As few shards as keep every binding within the limit.
    const u64 vm_bytes =
        std::max<u64>({ram_pages * 4, u64{state_words_} * 4, isa::CONSOLE_RING_BYTES});
    u64 shard_count = std::max<u64>(1, (vm_bytes * config_.vm_count + binding - 1) / binding);
    shard_count =
        std::max(shard_count,
                 std::min<u64>(config_.vm_count, (wanted + max_pool_pages - 1) / max_pool_pages));
    shard_count = std::max(shard_count, (u64{config_.vm_count} + kMaxShardVms - 1) / kMaxShardVms);
    if (vm_bytes > binding) {
      return fail(
          ErrorKind::out_of_memory,
          "RAM of {} MiB needs a page map of {} MiB, the adapter binds at most {} MiB at once.",
          config_.ram_bytes >> 20, vm_bytes >> 20, binding >> 20);
    }
    vms_per_shard_ = static_cast<u32>((config_.vm_count + shard_count - 1) / shard_count);

    Result<gpu::GpuBuffer> base_buffer =
        device_.create_buffer("base", base.size(), gpu::BufferUse::storage);
    if (!base_buffer)
      return std::unexpected(std::move(base_buffer.error()).during("uploading the boot image"));
    Result<gpu::GpuBuffer> map_buffer =
        device_.create_buffer("base_map", ram_pages * 4, gpu::BufferUse::storage);
    if (!map_buffer) return std::unexpected(std::move(map_buffer.error()));
    base_buffer_ = std::move(*base_buffer);
    base_map_buffer_ = std::move(*map_buffer);
    if (Result<void> ok = device_.write(base_buffer_, 0, base); !ok) return ok;
    if (Result<void> ok = device_.write(base_map_buffer_, 0, bytes_of(base_.map())); !ok) return ok;

    std::vector<Shard> shards;
    for (u32 first = 0; first < config_.vm_count; first += vms_per_shard_) {
      Shard::Shape shape{};
      shape.vm_count = std::min(vms_per_shard_, config_.vm_count - first);
      shape.ram_pages = static_cast<u32>(ram_pages);
      const u64 share = wanted * shape.vm_count / config_.vm_count + 1;
      shape.pool_pages = static_cast<u32>(std::min(share, max_pool_pages));
      // No machine stores to more pages than it has.
      shape.max_pool_pages =
          static_cast<u32>(std::min(max_pool_pages, ram_pages * shape.vm_count + 1));
      shape.state_words = state_words_;
      Result<Shard> shard =
          Shard::create(device_, pipeline_, base_buffer_, base_map_buffer_, shape);
      if (!shard) return std::unexpected(std::move(shard.error()));
      std::vector<u32> words(u64{state_words_} * shape.vm_count);
      for (u64 w = 0; w < state_words_; ++w) {
        std::copy_n(staged_.begin() + static_cast<i64>(w * config_.vm_count + first),
                    shape.vm_count, words.begin() + static_cast<i64>(w * shape.vm_count));
      }
      if (Result<void> ok = shard->write_states(device_, words); !ok) return ok;
      shards.push_back(std::move(*shard));
    }
    shards_ = std::move(shards);
    staged_ = {};
    return {};
  }

  // machine.run_state in the state buffer of a machine that runs.
  u32 runnable(u32 vm) const {
    const bool watched = vm < is_watched_.size() && is_watched_[vm];
    return watched ? isa::RUN_STATE_WATCHED : isa::EXIT_NONE;
  }

  // Has each machine run by the interpreter that it now needs.
  Result<void> configure_watches() {
    for (ShardWatch& watch : shard_watches_) {
      if (Result<void> ok = watch.save_profiles(device_); !ok) return ok;
    }
    std::erase_if(watches_, [](const auto& entry) { return !entry.second.wants_anything(); });
    if (!watches_.empty() && !watch_pipeline_) {
      Result<gpu::ComputePipeline> pipeline =
          make_pipeline(device_, config_.xlen, InterpreterVariant::watched, replaced_);
      if (!pipeline) return std::unexpected(std::move(pipeline.error()));
      watch_pipeline_ = std::move(*pipeline);
    }
    is_watched_.resize(config_.vm_count);
    shard_watches_.resize(shards_.size());
    std::vector<Watches> watches(shards_.size());
    for (auto& [vm, watch] : watches_) {
      const auto [shard, local] = place(vm);
      watches[shard][local] = &watch;
    }
    for (u32 i = 0; i < shards_.size(); ++i) {
      if (shard_watches_[i].empty() && watches[i].empty()) continue;
      if (Result<void> ok = shard_watches_[i].configure(device_, config_.xlen, watches[i]); !ok)
        return ok;
    }
    for (u32 vm = 0; vm < config_.vm_count; ++vm) {
      if (is_watched_[vm] == watches_.contains(vm)) continue;
      Result<MachineState> state = read_state(vm);
      if (!state) return std::unexpected(std::move(state.error()));
      is_watched_[vm] = !is_watched_[vm];
      if (words_of(*state)[run_state_word_] != isa::EXIT_NONE) continue;
      const auto [shard, local] = place(vm);
      if (Result<void> ok =
              shards_[shard].write_state_word(device_, local, run_state_word_, runnable(vm));
          !ok) {
        return ok;
      }
    }
    watches_changed_ = false;
    return {};
  }

  // Runs all shards once, side by side, and serves what they left.
  Result<void> dispatch(u32 budget, RunReport& report, bool& served) {
    const auto start = std::chrono::steady_clock::now();
    gpu::CommandBatch batch = device_.begin();
    for (Shard& shard : shards_) {
      if (Result<void> ok = shard.prepare(device_, batch, budget); !ok) return ok;
    }
    for (Shard& shard : shards_) shard.dispatch(batch, pipeline_);
    for (u32 i = 0; i < shard_watches_.size(); ++i) {
      if (shard_watches_[i].empty()) continue;
      if (Result<void> ok = shard_watches_[i].dispatch(
              device_, batch, watch_pipeline_, shards_[i].bindings(base_buffer_, base_map_buffer_));
          !ok) {
        return ok;
      }
      if (Result<void> ok = shard_watches_[i].report(batch); !ok) return ok;
    }
    for (Shard& shard : shards_) {
      if (Result<void> ok = shard.report(batch); !ok) return ok;
    }
    if (Result<void> ok = device_.submit(std::move(batch)); !ok) return ok;
    for (u32 i = 0; i < shards_.size(); ++i) {
      const u32 first = first_vm(i);
      Result<ShardReport> part = shards_[i].finish(
          device_, std::span(consoles_).subspan(first, shards_[i].shape().vm_count));
      if (!part) return std::unexpected(std::move(part.error()));
      report.steps = std::max<u64>(report.steps, part->steps);
      if (i < shard_watches_.size() && !shard_watches_[i].empty()) {
        const std::span traces = std::span(traces_).subspan(first, shards_[i].shape().vm_count);
        if (Result<void> ok = shard_watches_[i].finish(device_, traces); !ok) return ok;
      }
      if (Result<void> ok = serve(i, *part, report, served); !ok) return ok;
    }
    steer(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), budget,
          report.steps);
    return device_.check();
  }

  // Serves what the engine can serve itself and passes the other exits on.
  Result<void> serve(u32 shard_index, const ShardReport& part, RunReport& report, bool& served) {
    Shard& shard = shards_[shard_index];
    bool tried_to_grow = false;
    bool grew = false;
    for (Exit exit : part.exits) {
      // Drained by the finish() of the shard or its watch.
      bool resume = exit.reason == isa::EXIT_CONSOLE_FULL || exit.reason == isa::EXIT_TRACE_FULL;
      if (exit.reason == isa::EXIT_POOL_FULL) {
        if (!tried_to_grow) {
          tried_to_grow = true;
          Result<bool> grown = shard.grow_pool(device_, pipeline_, base_buffer_, base_map_buffer_);
          if (!grown) return std::unexpected(std::move(grown.error()));
          grew = *grown;
        }
        resume = grew;
      }
      if (resume) {
        if (Result<void> ok = shard.write_state_word(device_, exit.vm, run_state_word_,
                                                     runnable(first_vm(shard_index) + exit.vm));
            !ok)
          return ok;
        served = true;
      } else {
        exit.vm += first_vm(shard_index);
        report.exits.push_back(exit);
      }
    }
    return {};
  }

  // Steers the next dispatch's length by this one's.
  void steer(double seconds, u32 budget, u64 steps) {
    const double aim = config_.vm_count == 1 ? kInteractiveSeconds : kFleetSeconds;
    if (steps < budget || steps == 0) return;  // cut short by an exit: says nothing
    const double ratio = std::clamp(aim / std::max(seconds, 1e-6), 0.25, 2.0);
    budget_ = static_cast<u32>(std::clamp(static_cast<double>(budget) * ratio,
                                          static_cast<double>(kMinBudget),
                                          static_cast<double>(kMaxBudget)));
  }

  Result<void> read_page(Shard& shard, u32 pool_page, u64 number,
                         std::span<u8, isa::PAGE_BYTES> out) {
    if (pool_page != 0) return shard.read_pool_page(device_, pool_page, out);
    std::memcpy(out.data(), base_.page(number).data(), out.size());
    return {};
  }

  // Makes `contents` the page of RAM `number` of a machine: in its private page, or in a new one.
  Result<void> write_page(Shard& shard, u32 local, u32 pool_page, u32 number,
                          std::span<const u8, isa::PAGE_BYTES> contents) {
    if (pool_page != 0) return shard.write_pool(device_, pool_page, 0, contents);
    Result<void> added = shard.add_private_page(device_, local, number, contents);
    if (added || added.error().kind != ErrorKind::out_of_memory) return added;
    Result<bool> grown = shard.grow_pool(device_, pipeline_, base_buffer_, base_map_buffer_);
    if (!grown) return std::unexpected(std::move(grown.error()));
    return *grown ? shard.add_private_page(device_, local, number, contents) : added;
  }

  // A dispatch has at most 65,535 workgroups a dimension.
  static constexpr u64 kMaxShardVms = u64{65'535} * 32;

  EngineConfig config_;
  gpu::GpuDevice device_;
  gpu::ComputePipeline pipeline_;
  ShaderModules replaced_;
  std::string name_;
  BaseImage base_;
  u32 state_words_;
  u32 run_state_word_;
  std::vector<u32> staged_;  // the states before upload(), field-major
  std::vector<std::string> consoles_;
  // The machines that are watched, or were until the next run.
  std::map<u32, Watch> watches_;
  bool watches_changed_ = false;
  std::vector<bool> is_watched_;           // as the shards' buffers have it
  std::vector<ShardWatch> shard_watches_;  // empty while nobody ever watched
  gpu::ComputePipeline watch_pipeline_;
  std::vector<std::vector<TraceRecord>> traces_;  // not yet taken
  gpu::GpuBuffer base_buffer_;
  gpu::GpuBuffer base_map_buffer_;
  std::vector<Shard> shards_;
  std::optional<StateHasher> hasher_;  // since the first hash
  u32 vms_per_shard_ = 1;
  u32 budget_ = kFirstBudget;
};

}  // namespace

Result<std::unique_ptr<Engine>> create_gpu_engine(const EngineConfig& config, gpu::GpuDevice device,
                                                  const ShaderModules& replaced) {
  if (Result<void> ok = check_engine_config(config); !ok)
    return std::unexpected(std::move(ok.error()));
  Result<gpu::ComputePipeline> pipeline =
      make_pipeline(device, config.xlen, InterpreterVariant::plain, replaced);
  if (!pipeline) return std::unexpected(std::move(pipeline.error()));
  return std::make_unique<GpuEngine>(config, std::move(device), std::move(*pipeline), replaced);
}

}  // namespace rookery
