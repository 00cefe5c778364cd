// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

namespace rookery {

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
