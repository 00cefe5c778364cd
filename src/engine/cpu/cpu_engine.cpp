// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/cpu_engine.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/checkpoint.h"
#include "engine/cpu/cpu_machine.h"
#include "engine/state_hash.h"

namespace rookery {
namespace {

class CpuEngine final : public Engine {
 public:
  CpuEngine(const EngineConfig& config, std::vector<std::unique_ptr<cpu::CpuMachine>> machines)
      : config_(config),
        machines_(std::move(machines)),
        stops_(machines_.size()),
        consoles_(machines_.size()),
        traces_(machines_.size()) {}

  std::string_view name() const override { return "CPU"; }
  const EngineConfig& config() const override { return config_; }

  Result<RunReport> run(u64 max_steps) override {
    RunReport report;
    for (u32 vm = 0; vm < machines_.size(); ++vm) {
      cpu::CpuMachine& machine = *machines_[vm];
      const bool was_runnable = exit_of(machine).reason == isa::EXIT_NONE;
      if (!was_runnable) continue;
      const u64 wanted = std::min(max_steps, steps_to_stop(vm));
      u64 steps = 0;
      Exit exit;
      do {
        steps += machine.run(wanted - steps);
        exit = exit_of(machine);
        if (exit.reason == isa::EXIT_CONSOLE_FULL) {
          consoles_[vm] += machine.take_console();
          machine.resume();
        }
      } while (exit.reason == isa::EXIT_CONSOLE_FULL && steps < wanted);
      if (exit.reason == isa::EXIT_NONE && stops_[vm] != 0 && exit.icount >= stops_[vm]) {
        stops_[vm] = 0;
        machine.stop(isa::EXIT_COUNT);
        exit = exit_of(machine);
      }
      consoles_[vm] += machine.take_console();
      std::vector<TraceRecord> trace = machine.take_trace();
      if (traces_[vm].empty()) {
        traces_[vm] = std::move(trace);
      } else {
        traces_[vm].insert(traces_[vm].end(), trace.begin(), trace.end());
      }
      if (exit.reason == isa::EXIT_TRACE_FULL) {
        machine.resume();
        exit.reason = isa::EXIT_NONE;
      }
      report.steps = std::max(report.steps, steps);
      if (exit.reason != isa::EXIT_NONE && exit.reason != isa::EXIT_CONSOLE_FULL) {
        exit.vm = vm;
        report.exits.push_back(exit);
      }
    }
    return report;
  }

  Result<MachineState> read_state(u32 vm) override { return machines_[vm]->state(); }

  Result<void> write_state(u32 vm, const MachineState& state) override {
    if (isa::xlen_of(state) != config_.xlen) {
      return fail(ErrorKind::usage, "A state of RV{} cannot be loaded into a machine of RV{}.",
                  static_cast<u32>(isa::xlen_of(state)), static_cast<u32>(config_.xlen));
    }
    machines_[vm]->set_state(state);
    return {};
  }

  Result<void> read_ram(u32 vm, u32 pa, std::span<u8> out) override {
    if (Result<void> ok = check_ram_range(config_, pa, out.size()); !ok) return ok;
    if (!out.empty())
      std::memcpy(out.data(), machines_[vm]->ram().data() + (pa - isa::RAM_BASE), out.size());
    return {};
  }

  Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) override {
    if (Result<void> ok = check_ram_range(config_, pa, bytes.size()); !ok) return ok;
    if (bytes.empty()) return {};
    const u32 offset = pa - isa::RAM_BASE;
    std::memcpy(machines_[vm]->ram().data() + offset, bytes.data(), bytes.size());
    machines_[vm]->ram_changed(offset, bytes.size());
    return {};
  }

  Result<void> load_base(u32 pa, std::span<const u8> bytes) override {
    if (Result<void> ok = check_ram_range(config_, pa, bytes.size()); !ok) return ok;
    if (bytes.empty()) return {};
    for (const auto& machine : machines_) {
      std::memcpy(machine->ram().data() + (pa - isa::RAM_BASE), bytes.data(), bytes.size());
    }
    return {};
  }

  std::string take_console(u32 vm) override { return std::exchange(consoles_[vm], {}); }

  Result<u32> push_input(u32 vm, std::span<const u8> bytes) override {
    return machines_[vm]->push_input(bytes);
  }

  Result<u32> queue_input(u32 vm, std::span<const u8> bytes, bool more) override {
    return machines_[vm]->queue_input(bytes, more);
  }

  Result<void> stop_at(u32 vm, u64 icount) override {
    stops_[vm] = icount;
    return {};
  }

  Result<HostOrders> read_orders(u32 vm) override {
    HostOrders orders = machines_[vm]->orders();
    orders.stop_at = stops_[vm];
    return orders;
  }

  Result<void> write_orders(u32 vm, const HostOrders& orders) override {
    stops_[vm] = orders.stop_at;
    machines_[vm]->set_orders(orders);
    return {};
  }

  Result<void> stop_on_texts(std::shared_ptr<const ConsoleTexts> texts) override {
    for (const auto& machine : machines_) machine->stop_on_texts(texts);
    return {};
  }

  Result<void> set_stuck(u32 vm, const std::optional<WordBits>& stuck) override {
    if (stuck) {
      if (Result<void> ok = check_word(config_, *stuck); !ok) return ok;
    }
    machines_[vm]->set_stuck(stuck);
    return {};
  }

  Result<void> change_at(u32 vm, const std::optional<LaterChange>& change) override {
    if (change) {
      if (Result<void> ok = check_word(config_, change->word); !ok) return ok;
    }
    machines_[vm]->change_at(change);
    return {};
  }

  Result<void> compare_path(std::shared_ptr<const InstructionPath> path) override {
    if (Result<void> ok = check_path(path.get()); !ok) return ok;
    for (const auto& machine : machines_) machine->compare_path(path);
    return {};
  }

  Result<std::vector<std::optional<Parting>>> partings(std::span<const u32> vms) override {
    std::vector<std::optional<Parting>> found;
    found.reserve(vms.size());
    for (const u32 vm : vms) found.push_back(machines_[vm]->parting());
    return found;
  }

  Result<void> reset(std::span<const u32> vms, const Checkpoint& loaded) override {
    for (const u32 vm : vms) {
      cpu::CpuMachine& machine = *machines_[vm];
      for (const u32 number : machine.dirty_page_numbers()) {
        const std::span<u8> page =
            machine.ram().subspan(u64{number} * isa::PAGE_BYTES, isa::PAGE_BYTES);
        if (const std::span<const u8> bytes = loaded.page(number); !bytes.empty()) {
          std::memcpy(page.data(), bytes.data(), page.size());
        } else {
          std::memset(page.data(), 0, page.size());
        }
        machine.page_restored(number);
      }
      machine.set_state(loaded.state);
      machine.set_orders({});
      machine.take_console();
      stops_[vm] = 0;
      consoles_[vm].clear();
    }
    return {};
  }

  Result<void> resume(u32 vm) override {
    machines_[vm]->resume();
    return {};
  }

  Result<u64> state_hash(u32 vm) override {
    StateHash hash = hash_state(machines_[vm]->state());
    hash += hash_ram(machines_[vm]->ram());
    return hash.value();
  }

  Result<std::vector<u32>> dirty_page_numbers(u32 vm) override {
    return machines_[vm]->dirty_page_numbers();
  }

  Result<void> read_pages(u32 vm, std::span<const u32> numbers, std::span<u8> out) override {
    if (Result<void> ok = check_pages(config_, numbers, out.size()); !ok) return ok;
    const u8* const ram = machines_[vm]->ram().data();
    for (u64 i = 0; i < numbers.size(); ++i) {
      std::memcpy(out.data() + i * isa::PAGE_BYTES, ram + u64{numbers[i]} * isa::PAGE_BYTES,
                  isa::PAGE_BYTES);
    }
    return {};
  }

  Result<void> set_stops(u32 vm, std::span<const StopPoint> stops) override {
    if (Result<void> ok = check_stops(config_, stops); !ok) return ok;
    machines_[vm]->set_stops(stops);
    return {};
  }

  Result<void> set_trace(u32 vm, const std::optional<TraceOptions>& options) override {
    machines_[vm]->set_trace(options);
    return {};
  }

  Result<void> set_profile(u32 vm, bool on) override {
    machines_[vm]->set_profile(on);
    return {};
  }

  Result<Profile> read_profile(u32 vm) override {
    const std::span<const u32> words = machines_[vm]->profile();
    return words.empty() ? Profile{} : profile_of(words);
  }

  std::vector<TraceRecord> take_trace(u32 vm) override { return std::exchange(traces_[vm], {}); }

 private:
  static Exit exit_of(const cpu::CpuMachine& machine) {
    return std::visit(
        [](const auto& s) {
          return Exit{0, s.machine.run_state, s.machine.exit_arg0, s.machine.exit_arg1,
                      s.hart.icount};
        },
        machine.state());
  }

  // Before the machine is where it stops.
  u64 steps_to_stop(u32 vm) const {
    const u64 icount = icount_of(machines_[vm]->state());
    if (stops_[vm] == 0) return std::numeric_limits<u64>::max();
    return stops_[vm] > icount ? stops_[vm] - icount : 0;
  }

  EngineConfig config_;
  std::vector<std::unique_ptr<cpu::CpuMachine>> machines_;
  std::vector<u64> stops_;                        // stop_at(); 0: none
  std::vector<std::string> consoles_;             // printed, not yet taken
  std::vector<std::vector<TraceRecord>> traces_;  // likewise
};

}  // namespace

Result<std::unique_ptr<Engine>> create_cpu_engine(const EngineConfig& config) {
  if (Result<void> ok = check_engine_config(config); !ok)
    return std::unexpected(std::move(ok.error()));
  std::vector<std::unique_ptr<cpu::CpuMachine>> machines;
  for (u32 vm = 0; vm < config.vm_count; ++vm) {
    const u32 ram_bytes = static_cast<u32>(config.ram_bytes);
    auto machine = config.xlen == Xlen::rv32 ? cpu::make_cpu_machine_32(ram_bytes)
                                             : cpu::make_cpu_machine_64(ram_bytes);
    if (machine == nullptr) {
      return fail(ErrorKind::out_of_memory,
                  "There is no memory for {} MiB of guest RAM (machine {} of {}).",
                  config.ram_bytes >> 20, vm + 1, config.vm_count);
    }
    machines.push_back(std::move(machine));
  }
  return std::make_unique<CpuEngine>(config, std::move(machines));
}

}  // namespace rookery
