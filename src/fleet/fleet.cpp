// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "machine/guest_time.h"
#include "machine/htif.h"

namespace rookery {
namespace {

// How far run() goes at a time where the engine does not steer itself.
constexpr u64 kSlice = 20'000'000;

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

std::span<const u8> bytes_of(const std::string& text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

// The machine that a boot image is before its first instruction.
Checkpoint first_moment(const BootImage& image) {
  Checkpoint first;
  first.state = initial_state(image);
  std::map<u32, std::vector<u8>> pages;
  for (const BootPiece& piece : image.pieces) {
    for (u64 at = 0; at < piece.bytes.size();) {
      const u64 offset = piece.pa - isa::RAM_BASE + at;
      const u64 within = offset % isa::PAGE_BYTES;
      const u64 count = std::min<u64>(piece.bytes.size() - at, isa::PAGE_BYTES - within);
      std::vector<u8>& page = pages[static_cast<u32>(offset / isa::PAGE_BYTES)];
      page.resize(isa::PAGE_BYTES);
      std::copy_n(piece.bytes.begin() + static_cast<i64>(at), count,
                  page.begin() + static_cast<i64>(within));
      at += count;
    }
  }
  for (const auto& [number, page] : pages) {
    first.numbers.push_back(number);
    first.bytes.insert(first.bytes.end(), page.begin(), page.end());
  }
  return first;
}

}  // namespace

const char* stop_name(StopReason reason) {
  switch (reason) {
    case StopReason::text:
      return "text";
    case StopReason::instructions:
      return "instructions";
    case StopReason::idle:
      return "idle";
    case StopReason::shutdown:
      return "shutdown";
    case StopReason::reboot:
      return "reboot";
    case StopReason::fault:
      return "fault";
  }
  return "";
}

Fleet::Fleet(Snapshot snapshot, const FleetConfig& config)
    : snapshot_(std::move(snapshot)), config_(config), machines_(config.machines) {}

Result<std::unique_ptr<Fleet>> Fleet::fork(Snapshot snapshot, const MakeEngine& make_engine,
                                           const FleetConfig& config) {
  if (!snapshot.now) snapshot.now = first_moment(snapshot.image);
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(snapshot), config));
  if (Result<void> ok = fleet->load(make_engine); !ok)
    return std::unexpected(std::move(ok.error()).during("forking machines"));
  return fleet;
}

Result<void> Fleet::load(const MakeEngine& make_engine) {
  Checkpoint& now = *snapshot_.now;
  begun_at_ = icount_of(now.state);
  const u64 idle_steps = std::min<u64>(config_.idle_us * kStepsPerUs, ~u32{0});
  std::visit(
      [&](auto& s) {
        s.machine.run_state = isa::EXIT_NONE;
        s.machine.exit_arg0 = 0;
        s.machine.exit_arg1 = 0;
        s.machine.wfi_exits = static_cast<u32>(idle_steps);
      },
      now.state);
  if (!config_.texts.empty() || config_.lines) {
    auto texts = ConsoleTexts::create(config_.texts, config_.lines);
    if (!texts) return pass_on(texts);
    texts_ = *std::move(texts);
  }
  EngineConfig config;
  config.xlen = snapshot_.image.xlen;
  config.ram_bytes = snapshot_.image.ram_bytes;
  config.vm_count = config_.machines;
  config.pool_pages = config_.pool_pages;
  config.max_pool_pages = config_.max_pool_pages;
  auto engine = make_engine(config);
  if (!engine) return pass_on(engine);
  engine_ = *std::move(engine);
  if (Result<void> ok = load_machine(*engine_, now); !ok) return ok;
  if (Result<void> ok = engine_->stop_on_texts(texts_); !ok) return ok;
  running_ = config_.machines;
  std::vector<u32> all(size());
  std::iota(all.begin(), all.end(), 0);
  return begin(all);
}

// Types what the snapshot has taken with it.
Result<void> Fleet::begin(std::span<const u32> vms) {
  if (snapshot_.pending.typed.empty()) return {};
  for (const u32 vm : vms) {
    if (Result<void> ok = type(vm, snapshot_.pending.typed); !ok) return ok;
  }
  return {};
}

// --- What is done to machines ---

Result<void> Fleet::type(u32 vm, std::string bytes) {
  machines_[vm].typed = std::move(bytes);
  return feed(vm);
}

// Queues what was typed, as much as the engine takes.
Result<void> Fleet::feed(u32 vm) {
  std::string& typed = machines_[vm].typed;
  const bool more = typed.size() > isa::INPUT_QUEUE_BYTES;
  auto taken = engine_->queue_input(vm, bytes_of(typed), more);
  if (!taken) return pass_on(taken);
  typed.erase(0, *taken);
  return {};
}

Result<void> Fleet::stop_after(u32 vm, u64 instructions) {
  return engine_->stop_at(vm, instructions == 0 ? 0 : begun_at_ + instructions);
}

Result<void> Fleet::change_states(std::span<const WordChange> changes) {
  return engine_->change_states(changes);
}

Result<void> Fleet::change_ram(std::span<const WordChange> changes) {
  return engine_->change_ram(changes);
}

Result<void> Fleet::change_after(u32 vm, u64 instructions, const WordBits& word) {
  return engine_->change_at(vm, LaterChange{begun_at_ + instructions, word});
}

Result<void> Fleet::go_on(u32 vm) {
  if (machines_[vm].stopped) ++running_;
  machines_[vm].stopped = false;
  return engine_->resume(vm);
}

Result<void> Fleet::reset(std::span<const u32> vms) {
  for (const u32 vm : vms) {
    if (machines_[vm].stopped) ++running_;
    machines_[vm] = {};
    std::erase(starved_, vm);
    spilled_.erase(vm);
  }
  pages_came_free_ = true;
  Result<void> ok = engine_->reset(vms, *snapshot_.now);
  return ok ? begin(vms) : ok;
}

Result<void> Fleet::park(u32 vm) {
  Machine& machine = machines_[vm];
  if (machine.stopped) return {};
  machine.stopped = true;
  --running_;
  std::erase(starved_, vm);
  return hold(vm, isa::EXIT_COUNT);
}

// Makes a machine of the engine one that stands still.
Result<void> Fleet::hold(u32 vm, u32 reason) {
  const u32 word = std::visit(
      [](const auto& s) { return static_cast<u32>(&s.machine.run_state - s.words().data()); },
      snapshot_.now->state);
  const WordChange change{vm, word, 0, reason};
  return engine_->change_states({&change, 1});
}

// --- Running ---

Result<std::vector<FleetStop>> Fleet::run() {
  std::vector<FleetStop> stops;
  if (running_ == 0) return stops;
  if (Result<void> ok = make_room(); !ok) return pass_on(ok);
  auto report = engine_->run_unevenly(kSlice);
  if (!report) return pass_on(report);
  for (const Exit& exit : report->exits) {
    if (Result<void> ok = serve(exit, stops); !ok) return pass_on(ok);
  }
  return stops;
}

Result<void> Fleet::serve(const Exit& exit, std::vector<FleetStop>& stops) {
  FleetStop stop{.vm = exit.vm, .instructions = exit.icount - begun_at_, .sentence = {}};
  switch (exit.reason) {
    case isa::EXIT_COUNT:
      stop.reason = StopReason::instructions;
      break;
    case isa::EXIT_TEXT:
      stop.reason = StopReason::text;
      stop.detail = exit.arg0;
      break;
    case isa::EXIT_WFI:
      stop.reason = StopReason::idle;
      break;
    case isa::EXIT_SHUTDOWN:
      stop.reason = StopReason::shutdown;
      stop.detail = exit.arg0;
      stop.failed = exit.arg1 != 0;
      break;
    case isa::EXIT_REBOOT:
      stop.reason = StopReason::reboot;
      break;
    case isa::EXIT_HTIF:
      return serve_program(exit, std::move(stop), stops);
    case isa::EXIT_INPUT:
      if (Result<void> ok = feed(exit.vm); !ok) return ok;
      return engine_->resume(exit.vm);
    case isa::EXIT_POOL_FULL:
      starved_.push_back(exit.vm);
      return {};
    default:
      return fail(ErrorKind::internal, "Machine {} stopped with an unknown exit {}.", exit.vm,
                  exit.reason);
  }
  this->stop(std::move(stop), stops);
  return {};
}

// What a bare program asks of its host.
Result<void> Fleet::serve_program(const Exit& exit, FleetStop stop, std::vector<FleetStop>& stops) {
  auto answer = serve_htif(*engine_, snapshot_.image.layout, exit);
  if (!answer) {
    if (answer.error().kind != ErrorKind::image) return pass_on(answer);
    stop.reason = StopReason::fault;
    stop.sentence = answer.error().text();
    this->stop(std::move(stop), stops);
    return {};
  }
  Machine& machine = machines_[exit.vm];
  machine.printed += engine_->take_console(exit.vm) + answer->printed;
  if (texts_ != nullptr) {
    if (const auto found = texts_->find(machine.matched, answer->printed)) {
      stop.reason = StopReason::text;
      stop.detail = *found;
    }
  }
  if (stop.reason == StopReason::text) {
    if (Result<void> ok = hold(exit.vm, isa::EXIT_TEXT); !ok) return ok;
    this->stop(std::move(stop), stops);
    return {};
  }
  if (!answer->status) return {};
  stop.reason = StopReason::shutdown;
  stop.detail = *answer->status;
  stop.failed = *answer->status != 0;
  this->stop(std::move(stop), stops);
  return {};
}

void Fleet::stop(FleetStop stop, std::vector<FleetStop>& stops) {
  Machine& machine = machines_[stop.vm];
  machine.stopped = true;
  --running_;
  instructions_ += stop.instructions - machine.counted;
  machine.counted = stop.instructions;
  stops.push_back(std::move(stop));
}

// --- Memory ---

// Lets machines that wait for a page try again if there may be some, and sees to it that there are
// if all that run wait.
Result<void> Fleet::make_room() {
  if (waiting_for_memory() == 0) return {};
  const bool all_wait = waiting_for_memory() == running_;
  const bool may_fit = std::exchange(pages_came_free_, false);
  if (!may_fit && !all_wait) return {};
  if (!may_fit && !starved_.empty()) {
    if (Result<void> ok = spill(); !ok) return ok;
  }
  if (starved_.empty()) {
    Result<bool> back = bring_back();
    if (!back) return pass_on(back);
    if (!*back && all_wait) {
      return fail(ErrorKind::out_of_memory,
                  "No memory is left on the device: {} machines wait for some, and those that "
                  "stopped hold it.",
                  waiting_for_memory());
    }
  }
  for (const u32 vm : std::exchange(starved_, {})) {
    if (Result<void> ok = engine_->resume(vm); !ok) return ok;
  }
  return {};
}

// Keeps some of the machines that wait for a page here, so that the others find some.
Result<void> Fleet::spill() {
  const u64 count = starved_.size() > 1 ? std::max<u64>(1, starved_.size() / 8) : 0;
  if (count == 0) {
    return fail(ErrorKind::out_of_memory,
                "Machine {} needs more pages than the device has left for it.", starved_.front());
  }
  // Neighbours together: on a GPU they share blocks, which come free when all have left them.
  std::ranges::sort(starved_);
  for (u64 i = 0; i < count; ++i) {
    const u32 vm = starved_.back();
    starved_.pop_back();
    machines_[vm].printed += engine_->take_console(vm);
    auto copy = copy_of(vm);
    if (!copy) return pass_on(copy);
    spilled_.emplace(vm, *std::move(copy));
    Result<void> ok = engine_->reset({&vm, 1}, *snapshot_.now);
    if (ok) ok = hold(vm, isa::EXIT_POOL_FULL);
    if (!ok) return ok;
  }
  return {};
}

// Puts one machine that is kept here back on the engine, as one that waits for a page. False: there
// is no room for it.
Result<bool> Fleet::bring_back() {
  const auto first = spilled_.begin();
  const u32 vm = first->first;
  Result<bool> restored = restore(vm, first->second);
  if (!restored || !*restored) return restored;
  spilled_.erase(first);
  starved_.push_back(vm);
  return true;
}

// --- Looking at machines ---

std::string Fleet::take_console(u32 vm) {
  return std::exchange(machines_[vm].printed, {}) + engine_->take_console(vm);
}

Result<std::vector<u64>> Fleet::state_hashes(std::span<const u32> vms) {
  return engine_->state_hashes(vms);
}

Result<std::vector<u32>> Fleet::dirty_page_counts(std::span<const u32> vms) {
  return engine_->dirty_page_counts(vms);
}

Result<void> Fleet::read_ram(u32 vm, u32 pa, std::span<u8> out) {
  return engine_->read_ram(vm, pa, out);
}

Result<MachineState> Fleet::read_state(u32 vm) { return engine_->read_state(vm); }

Result<void> Fleet::set_stuck(u32 vm, const std::optional<WordBits>& stuck) {
  return engine_->set_stuck(vm, stuck);
}

Result<void> Fleet::compare_path(std::shared_ptr<const InstructionPath> path) {
  return engine_->compare_path(std::move(path));
}

Result<std::vector<std::optional<Parting>>> Fleet::partings(std::span<const u32> vms) {
  return engine_->partings(vms);
}

Result<void> Fleet::set_trace(u32 vm, const std::optional<TraceOptions>& options) {
  return engine_->set_trace(vm, options);
}

std::vector<TraceRecord> Fleet::take_trace(u32 vm) { return engine_->take_trace(vm); }

// --- Machines by themselves, and all of them ---

Result<Fleet::PutAway> Fleet::copy_of(u32 vm) {
  const auto spilled = spilled_.find(vm);
  if (spilled != spilled_.end()) return spilled->second;
  auto machine = take_checkpoint(*engine_, vm);
  if (!machine) return pass_on(machine);
  auto orders = engine_->read_orders(vm);
  if (!orders) return pass_on(orders);
  return PutAway{*std::move(machine), *std::move(orders)};
}

Result<bool> Fleet::restore(u32 vm, const PutAway& machine) {
  Result<void> ok = engine_->reset({&vm, 1}, *snapshot_.now);
  if (ok) ok = restore_checkpoint(*engine_, vm, machine.machine, *snapshot_.now);
  if (ok) ok = engine_->write_orders(vm, machine.orders);
  if (ok) return true;
  if (ok.error().kind != ErrorKind::out_of_memory) return pass_on(ok);
  ok = engine_->reset({&vm, 1}, *snapshot_.now);
  if (ok) ok = hold(vm, isa::EXIT_POOL_FULL);
  if (!ok) return pass_on(ok);
  return false;
}

Result<Snapshot> Fleet::lift(u32 vm) {
  auto copy = copy_of(vm);
  if (!copy) return pass_on(copy);
  const Checkpoint* const own = &copy->machine;
  Checkpoint whole;
  whole.state = own->state;
  std::ranges::set_union(snapshot_.now->numbers, own->numbers, std::back_inserter(whole.numbers));
  for (const u32 number : whole.numbers) {
    const std::span<const u8> page = page_at(*own, *snapshot_.now, number);
    whole.bytes.insert(whole.bytes.end(), page.begin(), page.end());
  }
  Snapshot lifted;
  lifted.image = snapshot_.image;
  lifted.instructions = snapshot_.instructions + icount_of(own->state) - begun_at_;
  lifted.now = std::move(whole);
  lifted.program = snapshot_.program;
  lifted.engine = engine_->name();
  lifted.command_line = snapshot_.command_line;
  lifted.pending.typed = copy->orders.input + machines_[vm].typed;
  return lifted;
}

Result<void> Fleet::put_back(u32 vm, const Snapshot& machine) {
  if (!machine.now || machine.image.xlen != snapshot_.image.xlen ||
      machine.image.ram_bytes != snapshot_.image.ram_bytes) {
    return fail(ErrorKind::usage,
                "A machine of another width or RAM size cannot be put into this fleet, or one that "
                "has not run.");
  }
  // What differs from the snapshot: pages that are zero now, too.
  Checkpoint own;
  own.state = machine.now->state;
  std::vector<u32> numbers;
  std::ranges::set_union(snapshot_.now->numbers, machine.now->numbers, std::back_inserter(numbers));
  const Checkpoint none;
  for (const u32 number : numbers) {
    const std::span<const u8> page = page_at(*machine.now, none, number);
    if (std::ranges::equal(page, page_at(*snapshot_.now, none, number))) continue;
    own.numbers.push_back(number);
    own.bytes.insert(own.bytes.end(), page.begin(), page.end());
  }
  Result<void> ok = park(vm);
  if (ok) ok = engine_->reset({&vm, 1}, *snapshot_.now);
  if (ok) ok = restore_checkpoint(*engine_, vm, own, *snapshot_.now);
  if (ok) ok = hold(vm, isa::EXIT_COUNT);
  if (ok) ok = type(vm, machine.pending.typed);
  return ok;
}

Result<void> Fleet::checkpoint() {
  Kept kept;
  for (u32 vm = 0; vm < size(); ++vm) {
    machines_[vm].printed += engine_->take_console(vm);
    auto machine = copy_of(vm);
    if (!machine) return pass_on(machine);
    kept.machines.push_back(*std::move(machine));
  }
  kept.hosts = machines_;
  kept.instructions = instructions_;
  kept.running = running_;
  kept_ = std::move(kept);
  return {};
}

Result<void> Fleet::rewind() {
  if (!kept_) return fail(ErrorKind::usage, "There is no checkpoint of this fleet to go back to.");
  std::vector<u32> all(size());
  std::iota(all.begin(), all.end(), 0);
  if (Result<void> ok = engine_->reset(all, *snapshot_.now); !ok) return ok;
  starved_.clear();
  spilled_.clear();
  for (u32 vm = 0; vm < size(); ++vm) {
    Result<bool> restored = restore(vm, kept_->machines[vm]);
    if (!restored) return pass_on(restored);
    if (!*restored) spilled_.emplace(vm, kept_->machines[vm]);
  }
  machines_ = kept_->hosts;
  for (u32 vm = 0; vm < size(); ++vm) {
    const bool waits =
        std::visit([](const auto& s) { return s.machine.run_state == isa::EXIT_POOL_FULL; },
                   kept_->machines[vm].machine.state);
    if (waits && !machines_[vm].stopped && !spilled_.contains(vm)) starved_.push_back(vm);
  }
  instructions_ = kept_->instructions;
  running_ = kept_->running;
  pages_came_free_ = true;
  return {};
}

}  // namespace rookery
