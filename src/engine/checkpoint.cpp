// SPDX-License-Identifier: Apache-2.0
#include "engine/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <numeric>

namespace rookery {
namespace {

constexpr std::array<u8, isa::PAGE_BYTES> kZeroPage{};

bool is_zero(std::span<const u8> page) {
  return std::memcmp(page.data(), kZeroPage.data(), isa::PAGE_BYTES) == 0;
}

}  // namespace

std::span<const u8> Checkpoint::page(u32 number) const {
  const auto found = std::lower_bound(numbers.begin(), numbers.end(), number);
  if (found == numbers.end() || *found != number) return {};
  const auto index = static_cast<u64>(found - numbers.begin());
  return std::span(bytes).subspan(index * isa::PAGE_BYTES, isa::PAGE_BYTES);
}

std::span<const u8> page_at(const Checkpoint& checkpoint, const Checkpoint& loaded, u32 number) {
  if (const std::span<const u8> page = checkpoint.page(number); !page.empty()) return page;
  if (const std::span<const u8> page = loaded.page(number); !page.empty()) return page;
  return kZeroPage;
}

Result<Checkpoint> take_checkpoint(Engine& engine, u32 vm) {
  Checkpoint checkpoint;
  Result<MachineState> state = engine.read_state(vm);
  if (!state) return std::unexpected(std::move(state.error()));
  checkpoint.state = *state;
  Result<std::vector<u32>> numbers = engine.dirty_page_numbers(vm);
  if (!numbers) return std::unexpected(std::move(numbers.error()));
  checkpoint.numbers = std::move(*numbers);
  checkpoint.bytes.resize(checkpoint.numbers.size() * isa::PAGE_BYTES);
  if (Result<void> ok = engine.read_pages(vm, checkpoint.numbers, checkpoint.bytes); !ok)
    return std::unexpected(std::move(ok.error()));
  return checkpoint;
}

Result<Checkpoint> take_loaded_machine(Engine& engine, u32 vm) {
  constexpr u32 kPagesAtOnce = 4096;
  Checkpoint loaded;
  Result<MachineState> state = engine.read_state(vm);
  if (!state) return std::unexpected(std::move(state.error()));
  loaded.state = *state;
  const u32 pages = static_cast<u32>(engine.config().ram_bytes / isa::PAGE_BYTES);
  for (u32 first = 0; first < pages; first += kPagesAtOnce) {
    std::vector<u32> numbers(std::min(kPagesAtOnce, pages - first));
    std::iota(numbers.begin(), numbers.end(), first);
    std::vector<u8> bytes(numbers.size() * isa::PAGE_BYTES);
    if (Result<void> ok = engine.read_pages(vm, numbers, bytes); !ok)
      return std::unexpected(std::move(ok.error()));
    for (u64 i = 0; i < numbers.size(); ++i) {
      const std::span<const u8> page =
          std::span(bytes).subspan(i * isa::PAGE_BYTES, isa::PAGE_BYTES);
      if (is_zero(page)) continue;
      loaded.numbers.push_back(numbers[i]);
      loaded.bytes.insert(loaded.bytes.end(), page.begin(), page.end());
    }
  }
  return loaded;
}

Result<void> load_machine(Engine& engine, const Checkpoint& machine) {
  for (u64 first = 0; first < machine.numbers.size();) {
    u64 count = 1;
    while (first + count < machine.numbers.size() &&
           machine.numbers[first + count] == machine.numbers[first] + count) {
      ++count;
    }
    const std::span<const u8> pages =
        std::span(machine.bytes).subspan(first * isa::PAGE_BYTES, count * isa::PAGE_BYTES);
    const u32 pa = isa::RAM_BASE + machine.numbers[first] * isa::PAGE_BYTES;
    if (Result<void> ok = engine.load_base(pa, pages); !ok) return ok;
    first += count;
  }
  return engine.load_state(machine.state);
}

Result<void> restore_checkpoint(Engine& engine, u32 vm, const Checkpoint& checkpoint,
                                const Checkpoint& loaded) {
  Result<std::vector<u32>> dirty = engine.dirty_page_numbers(vm);
  if (!dirty) return std::unexpected(std::move(dirty.error()));
  std::vector<u32> numbers;
  std::set_union(dirty->begin(), dirty->end(), checkpoint.numbers.begin(), checkpoint.numbers.end(),
                 std::back_inserter(numbers));
  std::vector<u8> there(numbers.size() * isa::PAGE_BYTES);
  if (Result<void> ok = engine.read_pages(vm, numbers, there); !ok) return ok;

  // What differs is written, neighbours at once.
  std::vector<u8> run;
  u32 run_end = 0;  // the page behind it
  const auto write_run = [&]() -> Result<void> {
    if (run.empty()) return {};
    const u64 offset = u64{run_end} * isa::PAGE_BYTES - run.size();
    Result<void> ok = engine.write_ram(vm, static_cast<u32>(isa::RAM_BASE + offset), run);
    run.clear();
    return ok;
  };
  for (u64 i = 0; i < numbers.size(); ++i) {
    const std::span<const u8> page = page_at(checkpoint, loaded, numbers[i]);
    if (std::memcmp(page.data(), there.data() + i * isa::PAGE_BYTES, isa::PAGE_BYTES) == 0)
      continue;
    if (numbers[i] != run_end) {
      if (Result<void> ok = write_run(); !ok) return ok;
    }
    run.insert(run.end(), page.begin(), page.end());
    run_end = numbers[i] + 1;
  }
  if (Result<void> ok = write_run(); !ok) return ok;
  (void)engine.take_console(vm);
  return engine.write_state(vm, checkpoint.state);
}

}  // namespace rookery
