// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/gpu_engine.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "device/uart/uart.h"
#include "engine/checkpoint.h"
#include "engine/gpu/machine_lists.h"
#include "engine/gpu/pools_module.h"
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
// What a fork of a booted Linux stores to, if it does a little: there are as many pools and shards
// as that needs.
constexpr u64 kLikelyPagesPerMachine = 120;
// Private pages that any machine may have, whatever the others do: 64 MiB.
constexpr u64 kEnoughPages = 16'384;

// Storage bindings that the interpreter has beside the pools, watching included.
constexpr u32 kOtherStorageBindings = 6;

// Pages that one binding holds; a fold has 31 bits of words.
u64 max_pages_of_binding(const gpu::AdapterLimits& limits) {
  const u64 bytes = std::min(limits.max_storage_binding_bytes, limits.max_buffer_bytes);
  return std::min<u64>(bytes / isa::PAGE_BYTES, u64{1} << 21);
}

// Private pages that all machines together may come to want.
u64 likely_pages(const EngineConfig& config) {
  if (config.max_pool_pages != 0) return config.max_pool_pages;
  if (config.pool_pages != 0) return config.pool_pages;
  if (config.vm_count == 1) return config.ram_bytes / isa::PAGE_BYTES;
  return kLikelyPagesPerMachine * config.vm_count;
}

// log2 of the machines that share a block: all of a workgroup, unless a machine that runs alone
// could then have only a part of its RAM, and of much RAM too little, for want of blocks.
u32 block_shift_for(const EngineConfig& config, const gpu::AdapterLimits& limits) {
  u64 pages = max_pages_of_binding(limits);
  if (config.max_pool_pages != 0) pages = std::min(pages, config.max_pool_pages);
  const u64 enough = std::min(config.ram_bytes / isa::PAGE_BYTES, kEnoughPages);
  u32 machines = std::min(isa::WORKGROUP, std::bit_ceil(config.vm_count));
  while (machines > 1 && pages / machines < enough) machines /= 2;
  return static_cast<u32>(std::countr_zero(machines));
}

// Pools of a shard: as few as hold them, for each more costs time.
u32 pools_for(const EngineConfig& config, const gpu::AdapterLimits& limits) {
  if (config.vm_count == 1) return 1;
  const u64 most =
      std::min(isa::MAX_POOLS, limits.max_storage_buffers_per_stage - kOtherStorageBindings);
  const u64 pages = max_pages_of_binding(limits);
  return static_cast<u32>(std::clamp<u64>((likely_pages(config) + pages - 1) / pages, 1, most));
}

u32 run_state_word(Xlen xlen) {
  const auto word = [](const auto& state) {
    return static_cast<u32>(&state.machine.run_state - state.words().data());
  };
  return std::visit(word, isa::make_state(xlen));
}

Result<gpu::ComputePipeline> make_pipeline(gpu::GpuDevice& device, Xlen xlen, u32 pools,
                                           InterpreterVariant variant,
                                           const ShaderModules& replaced) {
  Result<gpu::AssembledShader> shader = assemble_interpreter(xlen, pools, variant, replaced);
  if (!shader) return std::unexpected(std::move(shader.error()));
  using gpu::BindingType;
  gpu::PipelineDescription description;
  description.label = xlen == Xlen::rv32 ? "interpreter_rv32" : "interpreter_rv64";
  description.shader = &*shader;
  description.bindings = {{0, BindingType::uniform}, {1, BindingType::read_only_storage},
                          {4, BindingType::storage}, {5, BindingType::storage},
                          {6, BindingType::storage}, {7, BindingType::storage},
                          {9, BindingType::uniform}};
  add_pool_slots(description.bindings, pools, PoolAccess::read_write);
  if (variant == InterpreterVariant::watched) {
    description.label += "_watched";
    description.bindings.push_back({8, BindingType::storage});
  } else if (variant == InterpreterVariant::faults) {
    description.label += "_faults";
  } else if (variant == InterpreterVariant::campaign) {
    description.label += "_campaign";
    description.bindings.push_back({8, BindingType::read_only_storage});
  }
  return device.create_pipeline(description);
}

// HOST_PARTED to HOST_PARTED_PC.
constexpr u32 kPartingWords = isa::HOST_PARTED_PC + 2 - isa::HOST_PARTED;

std::optional<Parting> parting_in(std::span<const u32, kPartingWords> words) {
  if (words[0] == 0) return std::nullopt;
  return Parting{words[1] | (u64{words[2]} << 32), words[3] | (u64{words[4]} << 32)};
}

// HOST_STUCK and HOST_CHANGE, and the words behind them.
std::optional<WordBits> word_in(std::span<const u32, 4> words) {
  if (words[0] == isa::WORD_NONE) return std::nullopt;
  return WordBits{words[0] == isa::WORD_RAM, words[1], words[2], words[3]};
}

class GpuEngine final : public Engine {
 public:
  GpuEngine(const EngineConfig& config, gpu::GpuDevice device, gpu::ComputePipeline pipeline,
            u32 pools, ShaderModules replaced)
      : config_(config),
        pools_(pools),
        device_(std::move(device)),
        pipeline_(std::move(pipeline)),
        replaced_(std::move(replaced)),
        name_("GPU (" + device_.adapter().name + ")"),
        base_(config.ram_bytes),
        state_words_(state_words(config.xlen)),
        run_state_word_(run_state_word(config.xlen)),
        loaded_(state_words_),
        consoles_(config.vm_count),
        traces_(config.vm_count) {}

  std::string_view name() const override { return name_; }
  const EngineConfig& config() const override { return config_; }

  u32 side_by_side() const override { return isa::WORKGROUP; }

  Result<RunReport> run(u64 max_steps) override { return run(max_steps, true); }

  Result<RunReport> run_unevenly(u64 max_steps) override { return run(max_steps, false); }

  Result<RunReport> run(u64 max_steps, bool evenly) {
    Result<void> ready = upload();
    if (ready && watches_changed_) ready = configure_watches();
    if (ready && has_path_) ready = make_once(campaign_pipeline_, InterpreterVariant::campaign);
    if (ready && has_faults_ && !has_path_)
      ready = make_once(faults_pipeline_, InterpreterVariant::faults);
    if (!ready) return std::unexpected(std::move(ready.error()));
    const u32 budget = static_cast<u32>(std::min<u64>(max_steps, budget_));
    if (budget == 0) return RunReport{};
    RunReport report;
    bool served = false;
    Result<void> ok = dispatch(budget, evenly, report, served);
    // Machines that had to wait for the engine itself (memory, console) make what they are owed.
    while (ok && served && (evenly || (report.steps == 0 && report.exits.empty()))) {
      served = false;
      ok = dispatch(evenly ? 0 : budget, evenly, report, served);
    }
    if (!ok) return std::unexpected(std::move(ok.error()));
    if (evenly) report.steps = std::min<u64>(report.steps, budget);
    return report;
  }

  Result<MachineState> read_state(u32 vm) override {
    MachineState state = isa::make_state(config_.xlen);
    const std::span<u32> words = words_of(state);
    if (shards_.empty()) {
      for (u64 w = 0; w < words.size(); ++w) {
        words[w] = staged_.empty() ? loaded_[w] : staged_[w * config_.vm_count + vm];
      }
      return state;
    }
    const auto [shard, local] = place(vm);
    if (Result<void> ok = shards_[shard].read_state(device_, *access_, local, words); !ok) {
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
      stage();
      for (u64 w = 0; w < words.size(); ++w) staged_[w * config_.vm_count + vm] = words[w];
      return {};
    }
    if (words[run_state_word_] == isa::EXIT_NONE) words[run_state_word_] = runnable(vm);
    const auto [shard, local] = place(vm);
    shards_[shard].write_state(local, words);
    return {};
  }

  Result<void> load_state(const MachineState& state) override {
    if (isa::xlen_of(state) != config_.xlen || !shards_.empty()) return Engine::load_state(state);
    MachineState copy = state;
    std::visit([&](auto& s) { s.machine.ram_bytes = static_cast<u32>(config_.ram_bytes); }, copy);
    const std::span<const u32> words = words_of(copy);
    loaded_.assign(words.begin(), words.end());
    staged_ = {};
    return {};
  }

  Result<void> reset(std::span<const u32> vms, const Checkpoint&) override {
    if (Result<void> ok = upload(); !ok) return ok;
    for (const u32 vm : vms) consoles_[vm].clear();
    return for_each_shard(vms, [&](u32 shard, std::span<const u32> local, std::span<const u64>) {
      Result<void> ok = shards_[shard].flush(device_, *access_);
      if (ok) ok = lists_->reset(device_, shards_[shard], local);
      for (const u32 vm : local) {
        if (ok && runnable(first_vm(shard) + vm) != isa::EXIT_NONE)
          shards_[shard].change_state(vm, run_state_word_, 0, isa::RUN_STATE_WATCHED);
      }
      return ok;
    });
  }

  Result<void> resume(u32 vm) override {
    if (Result<void> ok = upload(); !ok) return ok;
    const auto [shard, local] = place(vm);
    shards_[shard].change_state(local, run_state_word_, 0, runnable(vm));
    return {};
  }

  Result<void> change_states(std::span<const WordChange> changes) override {
    if (Result<void> ok = check_state_changes(config_, changes); !ok) return ok;
    if (Result<void> ok = upload(); !ok) return ok;
    for (const WordChange& change : changes) {
      const auto [shard, local] = place(change.vm);
      shards_[shard].change_state(local, change.at, change.keep, change.flip);
    }
    return {};
  }

  Result<void> change_ram(std::span<const WordChange> changes) override {
    if (Result<void> ok = check_ram_changes(config_, changes); !ok) return ok;
    if (Result<void> ok = upload(); !ok) return ok;
    std::vector<std::vector<WordChange>> parts(shards_.size());
    for (WordChange change : changes) {
      const auto [shard, local] = place(change.vm);
      change.vm = local;
      parts[shard].push_back(change);
    }
    for (u32 shard = 0; shard < parts.size(); ++shard) {
      if (parts[shard].empty()) continue;
      if (Result<void> ok = change_ram_of(shards_[shard], parts[shard]); !ok) return ok;
    }
    return {};
  }

  Result<u32> queue_input(u32 vm, std::span<const u8> bytes, bool more) override {
    if (Result<void> ok = upload(); !ok) return std::unexpected(std::move(ok.error()));
    const auto [index, local] = place(vm);
    Shard& shard = shards_[index];
    const u32 count = static_cast<u32>(std::min<u64>(bytes.size(), isa::INPUT_QUEUE_BYTES));
    shard.write_host_io(local, isa::HOST_INPUT_TAKEN, 0);
    shard.write_host_io(local, isa::HOST_INPUT_BYTES, count);
    shard.write_host_io(local, isa::HOST_INPUT_MORE, more ? 1 : 0);
    for (u32 at = 0; at < count; at += 4) {
      u32 word = 0;
      std::memcpy(&word, bytes.data() + at, std::min(4u, count - at));
      shard.write_host_io(local, isa::HOST_INPUT + at / 4, word);
    }
    return count;
  }

  Result<void> stop_at(u32 vm, u64 icount) override {
    if (Result<void> ok = upload(); !ok) return ok;
    const auto [shard, local] = place(vm);
    shards_[shard].write_host_io_64(local, isa::HOST_STOP_AT, icount);
    return {};
  }

  Result<HostOrders> read_orders(u32 vm) override {
    if (Result<void> ok = upload(); !ok) return std::unexpected(std::move(ok.error()));
    const auto [index, local] = place(vm);
    auto read = shards_[index].read_host_io(device_, *access_, {&local, 1}, 0, isa::HOST_CONSOLE);
    if (!read) return std::unexpected(std::move(read.error()));
    const std::span<const u32> words(*read);
    HostOrders orders;
    orders.stop_at = words[isa::HOST_STOP_AT] | (u64{words[isa::HOST_STOP_AT + 1]} << 32);
    orders.matched = words[isa::HOST_MATCHED];
    const u32 end = std::min(words[isa::HOST_INPUT_BYTES], isa::INPUT_QUEUE_BYTES);
    const u32 begin = std::min(words[isa::HOST_INPUT_TAKEN], end);
    const auto* const queue = reinterpret_cast<const char*>(words.data() + isa::HOST_INPUT);
    orders.input.assign(queue + begin, queue + end);
    orders.more_input = words[isa::HOST_INPUT_MORE] != 0;
    orders.stuck = word_in(words.subspan<isa::HOST_STUCK, 4>());
    if (const auto word = word_in(words.subspan<isa::HOST_CHANGE, 4>())) {
      orders.change = {
          words[isa::HOST_CHANGE_ICOUNT] | (u64{words[isa::HOST_CHANGE_ICOUNT + 1]} << 32), *word};
    }
    orders.parting = parting_in(words.subspan<isa::HOST_PARTED, kPartingWords>());
    return orders;
  }

  Result<void> write_orders(u32 vm, const HostOrders& orders) override {
    if (Result<void> ok = stop_at(vm, orders.stop_at); !ok) return ok;
    const auto [shard, local] = place(vm);
    shards_[shard].write_host_io(local, isa::HOST_MATCHED, orders.matched);
    write_stuck(vm, orders.stuck);
    write_change(vm, orders.change);
    write_parting(vm, orders.parting);
    const std::span<const u8> input(reinterpret_cast<const u8*>(orders.input.data()),
                                    orders.input.size());
    Result<u32> queued = queue_input(vm, input, orders.more_input);
    if (!queued) return std::unexpected(std::move(queued.error()));
    return {};
  }

  Result<void> stop_on_texts(std::shared_ptr<const ConsoleTexts> texts) override {
    if (Result<void> ok = upload(); !ok) return ok;
    const std::vector<u32> words =
        texts == nullptr ? std::vector<u32>(1) : texts->words();  // a count of 0
    if (Result<void> ok = device_.write(shared_.texts, 0, bytes_of(std::span<const u32>(words)));
        !ok) {
      return ok;
    }
    for (Shard& shard : shards_) {
      for (u32 vm = 0; vm < shard.shape().vm_count; ++vm)
        shard.write_host_io(vm, isa::HOST_MATCHED, 0);
    }
    return {};
  }

  Result<void> set_stuck(u32 vm, const std::optional<WordBits>& stuck) override {
    Result<void> ok = stuck ? check_word(config_, *stuck) : Result<void>();
    if (ok) ok = upload();
    if (ok) write_stuck(vm, stuck);
    return ok;
  }

  Result<void> change_at(u32 vm, const std::optional<LaterChange>& change) override {
    Result<void> ok = change ? check_word(config_, change->word) : Result<void>();
    if (ok) ok = upload();
    if (ok) write_change(vm, change);
    return ok;
  }

  Result<void> compare_path(std::shared_ptr<const InstructionPath> path) override {
    Result<void> ok = check_path(path.get());
    if (ok) ok = upload();
    if (!ok) return ok;
    static const InstructionPath none;
    has_path_ = path != nullptr;
    if (Result<void> written = write_path(path == nullptr ? none : *path); !written) return written;
    for (u32 vm = 0; vm < config_.vm_count; ++vm) write_parting(vm, std::nullopt);
    return {};
  }

  Result<std::vector<std::optional<Parting>>> partings(std::span<const u32> vms) override {
    if (Result<void> ok = upload(); !ok) return std::unexpected(std::move(ok.error()));
    std::vector<std::optional<Parting>> all(vms.size());
    Result<void> done = for_each_shard(
        vms, [&](u32 shard, std::span<const u32> local, std::span<const u64> positions) {
          auto words = shards_[shard].read_host_io(device_, *access_, local, isa::HOST_PARTED,
                                                   kPartingWords);
          if (!words) return Result<void>(std::unexpected(std::move(words.error())));
          const std::span<const u32> found(*words);
          for (u64 k = 0; k < positions.size(); ++k) {
            all[positions[k]] = parting_in(found.subspan(k * kPartingWords).first<kPartingWords>());
          }
          return Result<void>();
        });
    if (!done) return std::unexpected(std::move(done.error()));
    return all;
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
    Result<std::vector<u32>> map = shards_[shard].read_page_map(device_, *access_, local);
    if (!map) return std::unexpected(std::move(map.error()));
    std::vector<u32> blocks;
    std::vector<u64> positions;  // of their pages, in `out`
    for (u64 i = 0; i < numbers.size(); ++i) {
      if (const u32 block = (*map)[numbers[i]]; block != 0) {
        blocks.push_back(block);
        positions.push_back(i);
      } else {
        std::memcpy(out.data() + i * isa::PAGE_BYTES, base_.page(numbers[i]).data(),
                    isa::PAGE_BYTES);
      }
    }
    std::vector<u8> bytes(blocks.size() * isa::PAGE_BYTES);
    if (Result<void> ok =
            shards_[shard].read_private_pages(device_, *access_, local, blocks, bytes);
        !ok)
      return ok;
    for (u64 i = 0; i < positions.size(); ++i) {
      std::memcpy(out.data() + positions[i] * isa::PAGE_BYTES, bytes.data() + i * isa::PAGE_BYTES,
                  isa::PAGE_BYTES);
    }
    return {};
  }

  Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) override {
    if (Result<void> ok = check_ram_range(config_, pa, bytes.size()); !ok) return ok;
    if (Result<void> ok = upload(); !ok) return ok;
    const auto [shard, local] = place(vm);
    while (!bytes.empty()) {
      const u64 some = std::min<u64>(bytes.size(), kWriteBytes);
      if (Result<void> ok =
              change_ram_of(shards_[shard], word_changes(local, pa, bytes.first(some)));
          !ok)
        return ok;
      pa += static_cast<u32>(some);
      bytes = bytes.subspan(some);
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
      Result<StateHasher> made =
          StateHasher::create(device_, config_.xlen, base_, vms_per_shard_, pools_);
      if (!made) return std::unexpected(std::move(made.error()));
      hasher_ = std::move(*made);
    }
    std::vector<u64> hashes(vms.size());
    Result<void> done = for_each_shard(
        vms, [&](u32 shard, std::span<const u32> local, std::span<const u64> positions) {
          Result<void> ok = shards_[shard].flush(device_, *access_);
          if (!ok) return ok;
          Result<std::vector<u64>> found = hasher_->hash(device_, shards_[shard], local);
          if (!found) return Result<void>(std::unexpected(std::move(found.error())));
          for (u64 k = 0; k < positions.size(); ++k) hashes[positions[k]] = (*found)[k];
          return Result<void>();
        });
    if (!done) return std::unexpected(std::move(done.error()));
    return hashes;
  }

  Result<std::vector<u32>> dirty_page_numbers(u32 vm) override {
    if (shards_.empty()) return std::vector<u32>{};
    const auto [shard, local] = place(vm);
    Result<std::vector<u32>> map = shards_[shard].read_page_map(device_, *access_, local);
    if (!map) return map;
    std::vector<u32> numbers;
    for (u32 number = 0; number < map->size(); ++number) {
      if ((*map)[number] != 0) numbers.push_back(number);
    }
    return numbers;
  }

  Result<std::vector<u32>> dirty_page_counts(std::span<const u32> vms) override {
    if (Result<void> ok = upload(); !ok) return std::unexpected(std::move(ok.error()));
    std::vector<u32> counts(vms.size());
    Result<void> done = for_each_shard(vms, [&](u32 shard, std::span<const u32> local,
                                                std::span<const u64> positions) {
      Result<std::vector<u32>> found = lists_->dirty_page_counts(device_, shards_[shard], local);
      if (!found) return Result<void>(std::unexpected(std::move(found.error())));
      for (u64 k = 0; k < positions.size(); ++k) counts[positions[k]] = (*found)[k];
      return Result<void>();
    });
    if (!done) return std::unexpected(std::move(done.error()));
    return counts;
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

  // Calls do_it(shard, the numbers there of those of `vms` that it has, their positions in `vms`).
  template <class DoIt>
  Result<void> for_each_shard(std::span<const u32> vms, DoIt do_it) {
    std::vector<std::vector<u32>> local(shards_.size());
    std::vector<std::vector<u64>> positions(shards_.size());
    for (u64 i = 0; i < vms.size(); ++i) {
      const auto [shard, number] = place(vms[i]);
      local[shard].push_back(number);
      positions[shard].push_back(i);
    }
    for (u32 shard = 0; shard < shards_.size(); ++shard) {
      if (local[shard].empty()) continue;
      if (Result<void> ok = do_it(shard, std::span<const u32>(local[shard]),
                                  std::span<const u64>(positions[shard]));
          !ok) {
        return ok;
      }
    }
    return {};
  }

  void write_stuck(u32 vm, const std::optional<WordBits>& stuck) {
    write_word(vm, isa::HOST_STUCK, stuck);
    has_faults_ = has_faults_ || stuck;
  }

  void write_change(u32 vm, const std::optional<LaterChange>& change) {
    write_word(vm, isa::HOST_CHANGE, change ? std::optional(change->word) : std::nullopt);
    if (!change) return;
    has_faults_ = true;
    const auto [index, local] = place(vm);
    shards_[index].write_host_io_64(local, isa::HOST_CHANGE_ICOUNT, change->icount);
  }

  // Four words of host_io from `first` on: what word_in() reads.
  void write_word(u32 vm, u32 first, const std::optional<WordBits>& word) {
    const auto [index, local] = place(vm);
    Shard& shard = shards_[index];
    shard.write_host_io(local, first,
                        !word ? isa::WORD_NONE : (word->is_ram ? isa::WORD_RAM : isa::WORD_STATE));
    if (!word) return;
    shard.write_host_io(local, first + 1, word->at);
    shard.write_host_io(local, first + 2, word->keep);
    shard.write_host_io(local, first + 3, word->flip);
  }

  void write_parting(u32 vm, const std::optional<Parting>& parting) {
    const auto [index, local] = place(vm);
    Shard& shard = shards_[index];
    shard.write_host_io(local, isa::HOST_PARTED, parting ? 1 : 0);
    if (!parting) return;
    shard.write_host_io_64(local, isa::HOST_PARTED_AT, parting->icount);
    shard.write_host_io_64(local, isa::HOST_PARTED_PC, parting->pc);
  }

  Result<void> write_path(const InstructionPath& path) {
    const u32 header[isa::PATH_PCS] = {static_cast<u32>(path.pcs.size()), 0,
                                       static_cast<u32>(path.first),
                                       static_cast<u32>(path.first >> 32)};
    const std::span<const u8> pcs = bytes_of(std::span<const u32>(path.pcs));
    auto buffer =
        device_.create_buffer("path", sizeof header + pcs.size(), gpu::BufferUse::storage);
    if (!buffer) {
      return std::unexpected(
          std::move(buffer.error()).during("uploading the path that machines are compared with"));
    }
    path_ = *std::move(buffer);
    Result<void> ok = device_.write(path_, 0, bytes_of(std::span<const u32>(header)));
    return ok ? device_.write(path_, sizeof header, pcs) : ok;
  }

  Result<void> make_once(gpu::ComputePipeline& pipeline, InterpreterVariant variant) {
    if (pipeline) return {};
    auto made = make_pipeline(device_, config_.xlen, pools_, variant, replaced_);
    if (!made) return std::unexpected(std::move(made.error()));
    pipeline = *std::move(made);
    return {};
  }

  // Room for a state of their own for all machines, before upload().
  void stage() {
    if (!staged_.empty()) return;
    staged_.reserve(u64{state_words_} * config_.vm_count);
    for (const u32 word : loaded_) staged_.insert(staged_.end(), config_.vm_count, word);
  }

  // Makes the shards and fills them, once, before the first dispatch.
  Result<void> upload() {
    if (!shards_.empty()) return {};
    const gpu::AdapterLimits& limits = device_.limits();
    const u64 binding = std::min(limits.max_storage_binding_bytes, limits.max_buffer_bytes);
    const u64 ram_pages = config_.ram_bytes / isa::PAGE_BYTES;

    const std::span<const u8> base = base_.bytes();
    if (base.size() + ram_pages * 4 > binding) {
      return fail(ErrorKind::out_of_memory,
                  "The boot image needs {} MiB, the adapter binds at most {} MiB at once.",
                  (base.size() + ram_pages * 4) >> 20, binding >> 20);
    }
    const u64 max_pool_pages = max_pages_of_binding(limits);
    const u64 wanted = config_.pool_pages != 0 ? config_.pool_pages
                       : config_.vm_count == 1 ? ram_pages
                                               : kPagesPerMachine * config_.vm_count;
    // As few shards as keep every binding within the limit.
    const u64 vm_bytes = std::max<u64>(
        {ram_pages * 4 + isa::EXIT_WORDS * 4 + 4, u64{state_words_} * 4, isa::HOST_IO_WORDS * 4});
    u64 shard_count = std::max<u64>(1, (vm_bytes * config_.vm_count + binding - 1) / binding);
    const u64 most_pages = pools_ * max_pool_pages;
    shard_count = std::max(
        shard_count,
        std::min<u64>(config_.vm_count, (likely_pages(config_) + most_pages - 1) / most_pages));
    shard_count = std::max(shard_count, (u64{config_.vm_count} + kMaxShardVms - 1) / kMaxShardVms);
    if (vm_bytes > binding) {
      return fail(
          ErrorKind::out_of_memory,
          "RAM of {} MiB needs a page map of {} MiB, the adapter binds at most {} MiB at once.",
          config_.ram_bytes >> 20, vm_bytes >> 20, binding >> 20);
    }
    vms_per_shard_ = static_cast<u32>((config_.vm_count + shard_count - 1) / shard_count);
    const u32 block_shift = block_shift_for(config_, limits);

    const std::span<const u8> base_map = bytes_of(base_.map());
    Result<gpu::GpuBuffer> base_buffer =
        device_.create_buffer("base", base.size() + base_map.size(), gpu::BufferUse::storage);
    if (!base_buffer)
      return std::unexpected(std::move(base_buffer.error()).during("uploading the boot image"));
    const u64 text_bytes = (4 + 256 / 4 + isa::TEXT_TABLE_BYTES / 4) * 4;  // ConsoleTexts::words()
    Result<gpu::GpuBuffer> texts_buffer =
        device_.create_buffer("texts", text_bytes, gpu::BufferUse::uniform);
    if (!texts_buffer) return std::unexpected(std::move(texts_buffer.error()));
    shared_ = {std::move(*base_buffer), static_cast<u32>(base.size() / 4),
               std::move(*texts_buffer)};
    if (Result<void> ok = device_.write(shared_.base, 0, base); !ok) return ok;
    if (Result<void> ok = device_.write(shared_.base, base.size(), base_map); !ok) return ok;
    Result<WordAccess> access = WordAccess::create(device_);
    if (!access) return std::unexpected(std::move(access.error()));
    access_ = std::move(*access);
    Result<MachineLists> lists = MachineLists::create(device_, loaded_, vms_per_shard_, pools_);
    if (!lists) return std::unexpected(std::move(lists.error()));
    lists_ = std::move(*lists);

    std::vector<Shard> shards;
    for (u32 first = 0; first < config_.vm_count; first += vms_per_shard_) {
      Shard::Shape shape{};
      shape.vm_count = std::min(vms_per_shard_, config_.vm_count - first);
      shape.ram_pages = static_cast<u32>(ram_pages);
      shape.block_shift = block_shift;
      shape.pools = pools_;
      // Of the workgroups that take turns among the pools; no machine stores to more pages than it
      // has.
      const u64 sharers =
          std::min<u64>(shape.vm_count, (shape.vm_count + pools_ - 1) / pools_ + isa::WORKGROUP);
      const auto blocks_of = [&](u64 pages) {
        return (pages * sharers / config_.vm_count + (u64{1} << block_shift) - 1) >> block_shift;
      };
      u64 most = blocks_of(ram_pages * config_.vm_count);
      if (config_.max_pool_pages != 0) most = std::min(most, blocks_of(config_.max_pool_pages));
      shape.max_pool_blocks = static_cast<u32>(
          std::min(max_pool_pages >> block_shift, most + shape.stack_blocks(most)));
      shape.pool_blocks =
          static_cast<u32>(std::min(blocks_of(wanted) + shape.stack_blocks(shape.max_pool_blocks),
                                    u64{shape.max_pool_blocks}));
      shape.state_words = state_words_;
      Result<Shard> shard = Shard::create(device_, pipeline_, shared_, shape);
      if (!shard) {
        return std::unexpected(std::move(shard.error())
                                   .during(fmt::format("making {} machines, of which {} fit",
                                                       config_.vm_count, first)));
      }
      if (Result<void> ok = fill_states(*shard, first); !ok) return ok;
      shards.push_back(std::move(*shard));
    }
    shards_ = std::move(shards);
    staged_ = {};
    return {};
  }

  // The states of a new shard's machines, of which the first is machine `first`.
  Result<void> fill_states(Shard& shard, u32 first) {
    const u32 count = shard.shape().vm_count;
    if (staged_.empty()) {
      std::vector<u32> all(count);
      std::iota(all.begin(), all.end(), 0);
      return lists_->reset(device_, shard, all);
    }
    std::vector<u32> words(u64{state_words_} * count);
    for (u64 w = 0; w < state_words_; ++w) {
      std::copy_n(staged_.begin() + static_cast<i64>(w * config_.vm_count + first), count,
                  words.begin() + static_cast<i64>(w * count));
    }
    return shard.write_states(device_, words);
  }

  // The changes that make `bytes` the contents of RAM at `pa`, of a machine of a shard.
  static std::vector<WordChange> word_changes(u32 vm, u32 pa, std::span<const u8> bytes) {
    std::vector<WordChange> changes;
    changes.reserve(bytes.size() / 4 + 2);
    for (u64 i = 0; i < bytes.size(); ++i) {
      const u32 at = pa + static_cast<u32>(i);
      if (i == 0 || at % 4 == 0) changes.push_back({vm, at & ~3u, ~u32{0}, 0});
      const u32 shift = at % 4 * 8;
      changes.back().keep &= ~(u32{0xff} << shift);
      changes.back().flip |= u32{bytes[i]} << shift;
    }
    return changes;
  }

  // Changes words of RAM of machines of a shard, by their numbers there.
  Result<void> change_ram_of(Shard& shard, std::span<const WordChange> changes) {
    const auto place_of = [](const WordChange& change) {
      return std::pair{change.vm, (change.at - isa::RAM_BASE) / isa::PAGE_BYTES};
    };
    // Which pages these are in, each once.
    std::vector<std::pair<u32, u32>> places;
    for (const WordChange& change : changes) {
      if (places.empty() || places.back() != place_of(change)) places.push_back(place_of(change));
    }
    std::ranges::sort(places);
    places.erase(std::ranges::unique(places).begin(), places.end());
    Result<std::vector<u32>> blocks = make_private(shard, places);
    if (!blocks) return std::unexpected(std::move(blocks.error()));
    std::vector<std::vector<BufferChange>> words(pools_);
    u64 last = 0;
    for (const WordChange& change : changes) {
      if (places[last] != place_of(change)) {
        last =
            static_cast<u64>(std::ranges::lower_bound(places, place_of(change)) - places.begin());
      }
      const u32 offset = (change.at - isa::RAM_BASE) % isa::PAGE_BYTES;
      words[pool_of(change.vm, pools_)].push_back(
          {shard.word_in_pool(change.vm, (*blocks)[last], offset), change.keep, change.flip});
    }
    for (u32 pool = 0; pool < pools_; ++pool) {
      if (words[pool].empty()) continue;
      if (Result<void> ok = access_->scatter(device_, shard.pool(pool), words[pool]); !ok)
        return ok;
    }
    return {};
  }

  // Sees to it that pages are private, machines and pages of their RAM; the blocks that they are
  // in.
  Result<std::vector<u32>> make_private(Shard& shard, std::span<const std::pair<u32, u32>> places) {
    if (Result<void> ok = shard.flush(device_, *access_); !ok)
      return std::unexpected(std::move(ok.error()));
    for (;;) {
      auto blocks = lists_->make_private(device_, shard, shared_, places);
      if (!blocks) return blocks;
      const auto none = std::ranges::find(*blocks, 0u);
      if (none == blocks->end()) return blocks;
      const u32 vm = places[static_cast<u64>(none - blocks->begin())].first;
      Result<bool> grown = shard.grow_pool(device_, pipeline_, shared_, vm);
      if (!grown) return std::unexpected(std::move(grown.error()));
      if (!*grown) {
        return fail(ErrorKind::out_of_memory, "No private pages are left for {} more.",
                    std::ranges::count(*blocks, 0u));
      }
    }
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
          make_pipeline(device_, config_.xlen, pools_, InterpreterVariant::watched, replaced_);
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
      shards_[shard].change_state(local, run_state_word_, 0, runnable(vm));
    }
    watches_changed_ = false;
    return {};
  }

  // Runs all shards once, side by side, and serves what they left.
  Result<void> dispatch(u32 budget, bool evenly, RunReport& report, bool& served) {
    gpu::CommandBatch batch = device_.begin();
    for (Shard& shard : shards_) {
      Result<void> ok = shard.flush(device_, *access_);
      if (ok) ok = shard.prepare(device_, batch, pipeline_, shared_, budget, evenly);
      if (!ok) return ok;
    }
    std::vector<gpu::BindGroup> groups;
    for (Shard& shard : shards_) {
      if (!has_path_ && !has_faults_) {
        shard.dispatch(batch, pipeline_);
        continue;
      }
      const gpu::ComputePipeline& pipeline = has_path_ ? campaign_pipeline_ : faults_pipeline_;
      std::vector<gpu::BufferBinding> bindings = shard.bindings(shared_);
      if (has_path_) bindings.push_back({8, &path_});
      auto group = device_.create_bind_group(pipeline, bindings);
      if (!group) return std::unexpected(std::move(group.error()));
      groups.push_back(*std::move(group));
      shard.dispatch(batch, pipeline, groups.back());
    }
    for (u32 i = 0; i < shard_watches_.size(); ++i) {
      if (shard_watches_[i].empty()) continue;
      if (Result<void> ok = shard_watches_[i].dispatch(device_, batch, watch_pipeline_,
                                                       shards_[i].bindings(shared_));
          !ok) {
        return ok;
      }
      if (Result<void> ok = shard_watches_[i].report(batch); !ok) return ok;
    }
    for (Shard& shard : shards_) {
      if (Result<void> ok = shard.report(batch); !ok) return ok;
    }
    const auto start = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point end;
    u64 steps = 0;  // of this dispatch
    if (Result<void> ok = device_.submit(std::move(batch)); !ok) return ok;
    bool provided = false;
    for (Shard& shard : shards_) {
      Result<bool> made = shard.provide(device_);
      if (!made) return std::unexpected(std::move(made.error()));
      provided = provided || *made;
    }
    for (u32 i = 0; i < shards_.size(); ++i) {
      const u32 first = first_vm(i);
      Result<ShardReport> part = shards_[i].finish(
          device_, *access_, std::span(consoles_).subspan(first, shards_[i].shape().vm_count));
      if (!part) return std::unexpected(std::move(part.error()));
      steps = std::max<u64>(steps, part->steps);
      if (i == 0) end = part->arrived;  // what the host has to do for it is not the device's time
      if (i < shard_watches_.size() && !shard_watches_[i].empty()) {
        const std::span traces = std::span(traces_).subspan(first, shards_[i].shape().vm_count);
        if (Result<void> ok = shard_watches_[i].finish(device_, traces); !ok) return ok;
      }
      if (Result<void> ok = serve(i, *part, report, served); !ok) return ok;
    }
    if (!provided) {
      steer(std::chrono::duration<double>(end - start).count(), budget, steps,
            served || !report.exits.empty());
    }
    report.steps += steps;
    return device_.check();
  }

  // Serves what the engine can serve itself and passes the other exits on.
  Result<void> serve(u32 shard_index, const ShardReport& part, RunReport& report, bool& served) {
    Shard& shard = shards_[shard_index];
    std::array<bool, isa::MAX_POOLS> tried_to_grow{};
    std::array<bool, isa::MAX_POOLS> grew{};
    for (Exit exit : part.exits) {
      // Drained by the finish() of the shard or its watch.
      bool resume = exit.reason == isa::EXIT_CONSOLE_FULL || exit.reason == isa::EXIT_TRACE_FULL;
      if (exit.reason == isa::EXIT_POOL_FULL) {
        const u32 pool = pool_of(exit.vm, pools_);
        if (!std::exchange(tried_to_grow[pool], true)) {
          Result<bool> grown = shard.grow_pool(device_, pipeline_, shared_, exit.vm);
          if (!grown) return std::unexpected(std::move(grown.error()));
          grew[pool] = *grown;
        }
        resume = grew[pool];
      }
      if (resume) {
        shard.change_state(exit.vm, run_state_word_, 0, runnable(first_vm(shard_index) + exit.vm));
        served = true;
      } else {
        // The engine owes nothing for what its host has to do.
        if (exit.reason == isa::EXIT_POOL_FULL) shard.write_host_io(exit.vm, isa::HOST_OWED, 0);
        exit.vm += first_vm(shard_index);
        report.exits.push_back(exit);
      }
    }
    return {};
  }

  // Steers the next dispatch's length by this one's.
  void steer(double seconds, u32 budget, u64 steps, bool has_exits) {
    const double aim = config_.vm_count == 1 ? kInteractiveSeconds : kFleetSeconds;
    if (budget == 0 || steps == 0 || (steps < budget && has_exits)) return;  // says nothing
    const double ratio = std::clamp(aim / std::max(seconds, 1e-6), 0.25, 2.0);
    budget_ = static_cast<u32>(std::clamp(static_cast<double>(budget) * ratio,
                                          static_cast<double>(kMinBudget),
                                          static_cast<double>(kMaxBudget)));
  }

  // A dispatch has at most 65,535 workgroups a dimension.
  static constexpr u64 kMaxShardVms = u64{65'535} * 32;
  // Of RAM, written at once.
  static constexpr u64 kWriteBytes = u64{4} << 20;

  EngineConfig config_;
  u32 pools_;  // of each shard
  gpu::GpuDevice device_;
  gpu::ComputePipeline pipeline_;
  ShaderModules replaced_;
  std::string name_;
  BaseImage base_;
  u32 state_words_;
  u32 run_state_word_;
  std::vector<u32> loaded_;  // the state that all machines had first
  std::vector<u32>
      staged_;  // before upload(): their own states, field-major; empty: all have that one
  std::vector<std::string> consoles_;
  // The machines that are watched, or were until the next run.
  std::map<u32, Watch> watches_;
  bool watches_changed_ = false;
  std::vector<bool> is_watched_;           // as the shards' buffers have it
  std::vector<ShardWatch> shard_watches_;  // empty while nobody ever watched
  gpu::ComputePipeline watch_pipeline_;
  bool has_faults_ = false;  // or had
  bool has_path_ = false;
  gpu::ComputePipeline faults_pipeline_;    // once there were any
  gpu::ComputePipeline campaign_pipeline_;  // once there was one
  gpu::GpuBuffer path_;
  std::vector<std::vector<TraceRecord>> traces_;  // not yet taken
  SharedBuffers shared_;
  std::vector<Shard> shards_;
  std::optional<WordAccess> access_;  // these two since upload()
  std::optional<MachineLists> lists_;
  std::optional<StateHasher> hasher_;  // since the first hash
  u32 vms_per_shard_ = 1;
  u32 budget_ = kFirstBudget;
};

}  // namespace

Result<std::unique_ptr<Engine>> create_gpu_engine(const EngineConfig& config, gpu::GpuDevice device,
                                                  const ShaderModules& replaced, u32 pools) {
  if (Result<void> ok = check_engine_config(config); !ok)
    return std::unexpected(std::move(ok.error()));
  if (pools == 0) pools = pools_for(config, device.limits());
  Result<gpu::ComputePipeline> pipeline =
      make_pipeline(device, config.xlen, pools, InterpreterVariant::plain, replaced);
  if (!pipeline) return std::unexpected(std::move(pipeline.error()));
  return std::make_unique<GpuEngine>(config, std::move(device), std::move(*pipeline), pools,
                                     replaced);
}

}  // namespace rookery
