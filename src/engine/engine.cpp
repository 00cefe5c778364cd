// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

namespace rookery {
namespace {

std::string machines_text(const EngineConfig& config) {
  return config.vm_count == 1 ? "there is one machine, number 0"
                              : fmt::format("the machines have numbers below {}", config.vm_count);
}

}  // namespace

u64 icount_of(const MachineState& state) {
  return std::visit([](const auto& s) { return s.hart.icount; }, state);
}

u64 pc_of(const MachineState& state) {
  return std::visit([](const auto& s) { return u64{s.hart.pc}; }, state);
}

Result<std::vector<u64>> Engine::state_hashes(std::span<const u32> vms) {
  std::vector<u64> hashes;
  hashes.reserve(vms.size());
  for (const u32 vm : vms) {
    Result<u64> hash = state_hash(vm);
    if (!hash) return std::unexpected(std::move(hash.error()));
    hashes.push_back(*hash);
  }
  return hashes;
}

Result<void> Engine::load_state(const MachineState& state) {
  for (u32 vm = 0; vm < config().vm_count; ++vm) {
    if (Result<void> ok = write_state(vm, state); !ok) return ok;
  }
  return {};
}

Result<void> Engine::change_states(std::span<const WordChange> changes) {
  if (Result<void> ok = check_state_changes(config(), changes); !ok) return ok;
  for (u64 i = 0; i < changes.size();) {
    const u32 vm = changes[i].vm;
    Result<MachineState> state = read_state(vm);
    if (!state) return std::unexpected(std::move(state.error()));
    const std::span<u32> words = std::visit([](auto& s) { return s.words(); }, *state);
    for (; i < changes.size() && changes[i].vm == vm; ++i) {
      u32& word = words[changes[i].at];
      word = (word & changes[i].keep) ^ changes[i].flip;
    }
    if (Result<void> ok = write_state(vm, *state); !ok) return ok;
  }
  return {};
}

Result<void> Engine::change_ram(std::span<const WordChange> changes) {
  if (Result<void> ok = check_ram_changes(config(), changes); !ok) return ok;
  for (const WordChange& change : changes) {
    u32 word = 0;
    const std::span<u8> bytes(reinterpret_cast<u8*>(&word), sizeof word);
    if (Result<void> ok = read_ram(change.vm, change.at, bytes); !ok) return ok;
    word = (word & change.keep) ^ change.flip;
    if (Result<void> ok = write_ram(change.vm, change.at, bytes); !ok) return ok;
  }
  return {};
}

Result<std::vector<u32>> Engine::dirty_page_counts(std::span<const u32> vms) {
  std::vector<u32> counts;
  counts.reserve(vms.size());
  for (const u32 vm : vms) {
    Result<u64> count = dirty_pages(vm);
    if (!count) return std::unexpected(std::move(count.error()));
    counts.push_back(static_cast<u32>(*count));
  }
  return counts;
}

Result<u64> Engine::dirty_pages(u32 vm) {
  Result<std::vector<u32>> numbers = dirty_page_numbers(vm);
  if (!numbers) return std::unexpected(std::move(numbers.error()));
  return numbers->size();
}

Result<void> Engine::resume(u32 vm) {
  Result<MachineState> state = read_state(vm);
  if (!state) return std::unexpected(std::move(state.error()));
  std::visit([](auto& s) { s.machine.run_state = isa::EXIT_NONE; }, *state);
  return write_state(vm, *state);
}

Result<void> check_engine_config(const EngineConfig& config) {
  if (config.ram_bytes == 0 || config.ram_bytes % isa::PAGE_BYTES != 0) {
    return fail(ErrorKind::usage, "RAM of {} bytes is not a whole number of pages of {} bytes.",
                config.ram_bytes, isa::PAGE_BYTES);
  }
  if (config.ram_bytes > kMaxRamBytes) {
    return fail(ErrorKind::usage,
                "RAM of {} MiB is more than the {} MiB between 0x{:x} and the end of the 32-bit "
                "address space.",
                config.ram_bytes >> 20, kMaxRamBytes >> 20, isa::RAM_BASE);
  }
  if (config.vm_count == 0) return fail(ErrorKind::usage, "An engine needs at least one machine.");
  return {};
}

Result<void> check_ram_range(const EngineConfig& config, u32 pa, u64 bytes) {
  if (pa < isa::RAM_BASE || pa - isa::RAM_BASE > config.ram_bytes ||
      bytes > config.ram_bytes - (pa - isa::RAM_BASE)) {
    return fail(ErrorKind::usage, "{} bytes at 0x{:08x} are not inside RAM (0x{:08x} to 0x{:x}).",
                bytes, pa, isa::RAM_BASE, isa::RAM_BASE + config.ram_bytes);
  }
  return {};
}

Result<void> check_pages(const EngineConfig& config, std::span<const u32> numbers, u64 out_bytes) {
  const u64 pages = config.ram_bytes / isa::PAGE_BYTES;
  for (const u32 number : numbers) {
    if (number >= pages)
      return fail(ErrorKind::usage, "Page {} is not in RAM, which has {} pages.", number, pages);
  }
  if (out_bytes != numbers.size() * isa::PAGE_BYTES) {
    return fail(ErrorKind::usage, "{} pages are {} bytes; there is room for {}.", numbers.size(),
                numbers.size() * isa::PAGE_BYTES, out_bytes);
  }
  return {};
}

Result<void> check_state_changes(const EngineConfig& config, std::span<const WordChange> changes) {
  const u64 words = std::visit([](const auto& state) { return state.words().size(); },
                               isa::make_state(config.xlen));
  for (const WordChange& change : changes) {
    if (change.vm >= config.vm_count || change.at >= words) {
      return fail(ErrorKind::usage, "There is no word {} of machine {}: states have {} words, {}.",
                  change.at, change.vm, words, machines_text(config));
    }
  }
  return {};
}

Result<void> check_ram_changes(const EngineConfig& config, std::span<const WordChange> changes) {
  for (const WordChange& change : changes) {
    if (change.vm >= config.vm_count) {
      return fail(ErrorKind::usage, "There is no machine {}: {}.", change.vm,
                  machines_text(config));
    }
    if (change.at % sizeof(u32) != 0)
      return fail(ErrorKind::usage, "A word at 0x{:08x} is not aligned.", change.at);
    if (Result<void> ok = check_ram_range(config, change.at, sizeof(u32)); !ok) return ok;
  }
  return {};
}

Result<void> check_word(const EngineConfig& config, const WordBits& word) {
  const WordChange change{0, word.at, word.keep, word.flip};
  return word.is_ram ? check_ram_changes(config, {&change, 1})
                     : check_state_changes(config, {&change, 1});
}

Result<void> check_path(const InstructionPath* path) {
  if (path == nullptr || path->pcs.size() <= kMaxPathSteps) return {};
  return fail(ErrorKind::usage,
              "A path of {} steps is longer than the {} that machines can follow.",
              path->pcs.size(), kMaxPathSteps);
}

Result<void> check_stops(const EngineConfig& config, std::span<const StopPoint> stops) {
  if (stops.size() > isa::STOP_POINTS) {
    return fail(ErrorKind::usage, "{} stop points are more than the {} that a machine can have.",
                stops.size(), isa::STOP_POINTS);
  }
  for (const StopPoint& stop : stops) {
    if (config.xlen == Xlen::rv32 && (stop.va >> 32) != 0) {
      return fail(ErrorKind::usage,
                  "A stop point at 0x{:x} is beyond the 32-bit addresses of this machine.",
                  stop.va);
    }
    if (stop.kind != StopPoint::Kind::execute && stop.bytes == 0) {
      return fail(ErrorKind::usage, "A stop point at 0x{:x} watches a range of 0 bytes.", stop.va);
    }
  }
  return {};
}

}  // namespace rookery
