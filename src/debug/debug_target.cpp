// SPDX-License-Identifier: Apache-2.0
#include "debug/debug_target.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "debug/registers.h"
#include "debug/stop_search.h"

namespace rookery::debug {
namespace {

// Pages that are remembered. More than anybody looks at between two steps.
constexpr std::size_t kMaxPages = 256;

constexpr u64 kInstructionBytes = 4;
constexpr u32 kLegalPrivileges = 0b1011;  // user, supervisor, machine

u32 ram_bytes_of(const MachineState& state) {
  return std::visit([](const auto& s) { return s.machine.ram_bytes; }, state);
}

bool is_ram(const MachineState& state, u64 pa) {
  return pa >= isa::RAM_BASE && pa - isa::RAM_BASE < ram_bytes_of(state);
}

u64 left_in_page(u64 address) { return isa::PAGE_BYTES - address % isa::PAGE_BYTES; }

}  // namespace

// --- RamPages ---

u32 RamPages::load_word(u32 pa) {
  Result<std::span<const u8>> bytes = rest_of_page(pa);
  u32 word = 0;
  if (bytes) {
    std::memcpy(&word, bytes->data(), sizeof word);
  } else if (!error_) {
    error_ = std::move(bytes.error());
  }
  return word;
}

Result<std::span<const u8>> RamPages::rest_of_page(u32 pa) {
  const u32 within = pa % isa::PAGE_BYTES;
  auto found = pages_.find(pa - within);
  if (found == pages_.end()) {
    Page page;
    if (auto done = engine_.read_ram(vm_, pa - within, page); !done)
      return std::unexpected(std::move(done.error()));
    if (pages_.size() == kMaxPages) pages_.clear();
    found = pages_.emplace(pa - within, page).first;
  }
  return std::span<const u8>(found->second).subspan(within);
}

Result<void> RamPages::take_error() {
  if (!error_) return {};
  return std::unexpected(*std::exchange(error_, std::nullopt));
}

// --- Going back ---

Result<void> DebugTarget::go_back(u64 count) {
  look_.reset();
  passed_.reset();
  engine_looks_ = false;
  return machine_.go_back(count);
}

// --- State ---

Result<DebugTarget::Look*> DebugTarget::look() {
  if (look_ == nullptr) {
    auto state = machine_.engine().read_state(machine_.vm());
    if (!state) return std::unexpected(std::move(state.error()));
    look_ = std::make_unique<Look>(machine_.engine(), machine_.vm());
    look_->probe = cpu::make_machine_probe(*state, look_->ram);
  }
  return look_.get();
}

Result<void> DebugTarget::change(const MachineState& state) {
  look_.reset();
  engine_looks_ = false;
  return machine_.engine().write_state(machine_.vm(), state);
}

Result<std::optional<u64>> DebugTarget::read_register(u32 number) {
  const auto seen = look();
  if (!seen) return std::unexpected(seen.error());
  cpu::MachineProbe& probe = *(*seen)->probe;
  if (number >= kFirstCsrRegister && number < kFirstCsrRegister + kCsrCount) {
    return probe.read_csr(number - kFirstCsrRegister);
  }
  return std::visit(
      [&](const auto& s) -> std::optional<u64> {
        if (number < s.hart.x.size()) return s.hart.x[number];
        if (number == kPcRegister) return s.hart.pc;
        if (number == kPrivilegeRegister) return s.hart.privilege;
        return std::nullopt;
      },
      probe.state());
}

Result<bool> DebugTarget::write_register(u32 number, u64 value) {
  const auto seen = look();
  if (!seen) return std::unexpected(seen.error());
  cpu::MachineProbe& probe = *(*seen)->probe;
  MachineState state = probe.state();
  bool is_legal = true;
  if (number >= kFirstCsrRegister && number < kFirstCsrRegister + kCsrCount) {
    is_legal = probe.write_csr(number - kFirstCsrRegister, value);
    state = probe.state();
  } else {
    std::visit(
        [&](auto& s) {
          using xlen = decltype(s.hart.pc);
          if (number < s.hart.x.size()) {
            if (number != 0) s.hart.x[number] = static_cast<xlen>(value);
          } else if (number == kPcRegister) {
            is_legal = value % kInstructionBytes == 0;
            s.hart.pc = static_cast<xlen>(value);
            passed_.reset();
          } else if (number == kPrivilegeRegister) {
            is_legal = value < 4 && ((kLegalPrivileges >> value) & 1) != 0;
            s.hart.privilege = static_cast<u32>(value);
          } else {
            is_legal = false;
          }
        },
        state);
  }
  if (!is_legal) return false;
  if (auto done = change(state); !done) return std::unexpected(std::move(done.error()));
  return true;
}

// --- Memory ---

Result<std::vector<u8>> DebugTarget::read_memory(u64 va, u64 bytes) {
  std::vector<u8> out;
  while (out.size() < bytes) {
    const auto seen = look();
    if (!seen) return std::unexpected(seen.error());
    const u64 at = va + out.size();
    const std::optional<u32> pa = (*seen)->probe->translate(at);
    if (auto done = (*seen)->ram.take_error(); !done) return std::unexpected(done.error());
    if (!pa) break;
    const u64 wanted = std::min(left_in_page(at), bytes - out.size());
    const auto piece = read_physical(*pa, wanted);
    if (!piece) return piece;
    out.insert(out.end(), piece->begin(), piece->end());
    if (piece->size() < wanted) break;
  }
  return out;
}

Result<std::vector<u8>> DebugTarget::read_physical(u64 pa, u64 bytes) {
  const auto seen = look();
  if (!seen) return std::unexpected(seen.error());
  cpu::MachineProbe& probe = *(*seen)->probe;
  const MachineState state = probe.state();
  std::vector<u8> out;
  while (out.size() < bytes) {
    const u64 at = pa + out.size();
    const u64 left = bytes - out.size();
    if (at < pa || at > std::numeric_limits<u32>::max()) break;
    const u32 address = static_cast<u32>(at);
    if (is_ram(state, at)) {
      auto page = (*seen)->ram.rest_of_page(address);
      if (!page) return std::unexpected(std::move(page.error()));
      const auto piece = page->first(std::min<u64>(left, page->size()));
      out.insert(out.end(), piece.begin(), piece.end());
      continue;
    }
    // A device's registers are words or bytes: which, it says itself.
    u32 size = left >= 4 && address % 4 == 0 ? 4 : 1;
    std::optional<u32> value = probe.load_device(address, size);
    if (!value && size == 4) value = probe.load_device(address, size = 1);
    if (!value) break;
    for (u32 i = 0; i < size; ++i) out.push_back(static_cast<u8>(*value >> (8 * i)));
  }
  return out;
}

Result<bool> DebugTarget::write_memory(u64 va, std::span<const u8> bytes) {
  const auto seen = look();
  if (!seen) return std::unexpected(seen.error());
  const MachineState state = (*seen)->probe->state();
  struct Piece {
    u32 pa;
    std::span<const u8> bytes;
  };
  std::vector<Piece> pieces;
  for (u64 done = 0; done < bytes.size();) {
    const u64 at = va + done;
    const std::optional<u32> pa = (*seen)->probe->translate(at);
    if (auto read = (*seen)->ram.take_error(); !read) return std::unexpected(read.error());
    if (!pa || !is_ram(state, *pa)) return false;
    const u64 count = std::min<u64>(left_in_page(at), bytes.size() - done);
    pieces.push_back({*pa, bytes.subspan(done, count)});
    done += count;
  }
  look_.reset();
  for (const Piece& piece : pieces) {
    if (auto done = machine_.engine().write_ram(machine_.vm(), piece.pa, piece.bytes); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  return true;
}

// --- Running ---

void DebugTarget::set_stops(std::vector<StopPoint> stops) {
  const auto is_data = [](const StopPoint& stop) { return stop.kind != StopPoint::Kind::execute; };
  assert(std::ranges::is_partitioned(stops, std::not_fn(is_data)));
  first_data_stop_ = static_cast<u32>(std::ranges::find_if(stops, is_data) - stops.begin());
  stops_ = std::move(stops);
  engine_looks_ = false;
}

Result<Progress> DebugTarget::run(u64 max_steps, std::span<const StopPoint> stops) {
  look_.reset();
  passed_.reset();
  engine_looks_ = false;
  Engine& engine = machine_.engine();
  if (used_by_ != &engine) used_stops_.clear();
  used_by_ = &engine;
  if (!std::ranges::equal(stops, used_stops_)) {
    if (auto done = engine.set_stops(machine_.vm(), stops); !done)
      return std::unexpected(std::move(done.error()));
    used_stops_.assign(stops.begin(), stops.end());
  }
  return machine_.run(max_steps);
}

// Which of the stop points from `first` on. The interrupts that are due are taken if it is in their
// handler.
Result<std::optional<u32>> DebugTarget::stop_at_next_instruction(u32 first) {
  if (first == stops_.size()) return std::nullopt;
  const auto seen = look();
  if (!seen) return std::unexpected(seen.error());
  const auto next = (*seen)->probe->next_instruction();
  if (auto done = (*seen)->ram.take_error(); !done) return std::unexpected(done.error());
  if (!next) return std::nullopt;
  const u64 icount = icount_of(next->state);
  if (passed_ && passed_->icount == icount) {
    if (passed_->data) return std::nullopt;
    first = first_data_stop_;
  }
  const auto found = find_stop(*next, std::span(stops_).subspan(first));
  if (!found) return std::nullopt;
  const u32 stop = first + *found;
  if (auto done = change(next->state); !done) return std::unexpected(done.error());
  passed_ = Passed{icount, is_data_stop(stop)};
  return stop;
}

// The engine knows nothing of the reason for which the machine stopped last, so the first
// instruction is looked at here.
Result<Progress> DebugTarget::run_to_stop(u64 max_steps) {
  u64 steps = 0;
  if (!engine_looks_ && !stops_.empty()) {
    auto stop = stop_at_next_instruction(0);
    if (!stop) return std::unexpected(std::move(stop.error()));
    if (*stop) return Progress{.stop = *stop};
    auto first = run(1, {});
    if (!first || first->ended || first->steps == 0) return first;
    steps = first->steps;
    if (steps == max_steps) return first;
  }
  auto progress = run(max_steps - steps, stops_);
  if (!progress) return progress;
  progress->steps += steps;
  engine_looks_ = !progress->stop;
  if (progress->stop) {
    const auto seen = look();
    if (!seen) return std::unexpected(seen.error());
    passed_ = Passed{icount_of((*seen)->probe->state()), is_data_stop(*progress->stop)};
  }
  return progress;
}

Result<Progress> DebugTarget::step() {
  auto stop = stop_at_next_instruction(first_data_stop_);
  if (!stop) return std::unexpected(std::move(stop.error()));
  if (*stop) return Progress{.stop = *stop};
  return run(1, {});
}

}  // namespace rookery::debug
