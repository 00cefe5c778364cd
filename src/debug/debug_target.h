// SPDX-License-Identifier: Apache-2.0
// What a debugger does to one machine: registers, CSRs, memory by virtual and physical address,
// single steps, and running to a stop point. Knows no protocol.
//
// Looking changes nothing: what is read comes from a copy of the state
// (engine/cpu/machine_probe.h), which is kept, with the pages of RAM that were looked at, until the
// machine runs or is changed.
//
// Not thread-safe. Errors are the engine's; an address or a register that is not there is none.
#pragma once

#include <array>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/cpu/machine_probe.h"
#include "engine/engine.h"

namespace rookery::debug {

// How far a run came.
struct Progress {
  u64 steps = 0;
  bool ended = false;  // the machine will never run again
  // It stands before an instruction of this stop point, by its place among those that were set.
  std::optional<u32> stop = std::nullopt;
};

// A machine as its owner runs it.
class DebuggedMachine {
 public:
  virtual ~DebuggedMachine() = default;
  // Another one after a reboot.
  virtual Engine& engine() = 0;
  virtual u32 vm() const = 0;
  // Makes at most `max_steps` steps, or runs into one of the engine's stop points, and does all
  // that belongs to them: console, typing, exits. A machine that stopped is resumed. May make none,
  // because the guest sleeps.
  virtual Result<Progress> run(u64 max_steps) = 0;
  // A line about how it is going, for people.
  virtual Result<std::string> status() = 0;

  // One that is replayed can go back: to where it was after `count` steps or somewhat earlier; it
  // has to run from there. Counts go over reboots.
  virtual bool can_go_back() const { return false; }
  virtual u64 count() = 0;
  virtual Result<void> go_back(u64 count) = 0;
  // It may be asked soon to go back to where it stands.
  virtual Result<void> keep() = 0;
};

// A machine's RAM as the probe reads it: a page at a time, remembered.
class RamPages final : public cpu::ProbeMemory {
 public:
  RamPages(Engine& engine, u32 vm) : engine_(engine), vm_(vm) {}

  u32 load_word(u32 pa) override;
  // The bytes from `pa` on, at most to the end of the page, which lies in RAM.
  Result<std::span<const u8>> rest_of_page(u32 pa);
  // The first failure of a load_word(), which could not say so.
  Result<void> take_error();

 private:
  using Page = std::array<u8, isa::PAGE_BYTES>;

  Engine& engine_;
  u32 vm_;
  std::map<u32, Page> pages_;  // by physical address
  std::optional<Error> error_;
};

class DebugTarget {
 public:
  // `machine` must outlive the target.
  explicit DebugTarget(DebuggedMachine& machine) : machine_(machine) {}

  Xlen xlen() const { return machine_.engine().config().xlen; }
  Result<std::string> status() { return machine_.status(); }

  // DebuggedMachine's. One that can go back cannot be changed: what was recorded would no longer
  // happen.
  bool can_go_back() const { return machine_.can_go_back(); }
  u64 count() { return machine_.count(); }
  Result<void> go_back(u64 count);
  Result<void> keep() { return machine_.keep(); }

  // By the numbers of debug/registers.h. Empty or false: there is no such register, or (writing)
  // it is read-only or the value is not legal at all.
  Result<std::optional<u64>> read_register(u32 number);
  Result<bool> write_register(u32 number, u64 value);

  // As many of the bytes as are there. RAM and devices, as the hart's privilege mode sees them, but
  // whatever its pages permit; what a device does when it is read, it does not do here.
  Result<std::vector<u8>> read_memory(u64 va, u64 bytes);
  Result<std::vector<u8>> read_physical(u64 pa, u64 bytes);
  // RAM alone. False, and nothing is written: a byte of it is not there.
  Result<bool> write_memory(u64 va, std::span<const u8> bytes);

  // --- Running ---

  // Those that execute come first, so that an instruction with both stops for what it is.
  void set_stops(std::vector<StopPoint> stops);
  bool is_data_stop(u32 stop) const { return stop >= first_data_stop_; }

  // Runs for a short while (one dispatch), or until the next instruction is one that a stop point
  // stops: it was not executed then. The next run goes on with it, without stopping for the same
  // reason again. Makes at most `max_steps` steps, of which there must be one.
  Result<Progress> run_to_stop(u64 max_steps = std::numeric_limits<u64>::max());

  // The same past all stop points.
  Result<Progress> run_past_stops(u64 max_steps) { return run(max_steps, {}); }

  // One step, or none: call again. Of the stop points, only those for data stop it, as above.
  Result<Progress> step();

 private:
  struct Look {  // at the machine as it stands
    Look(Engine& engine, u32 vm) : ram(engine, vm) {}
    RamPages ram;
    std::unique_ptr<cpu::MachineProbe> probe;
  };

  Result<Look*> look();
  Result<void> change(const MachineState& state);
  Result<Progress> run(u64 max_steps, std::span<const StopPoint> stops);
  Result<std::optional<u32>> stop_at_next_instruction(u32 first);

  DebuggedMachine& machine_;
  std::unique_ptr<Look> look_;
  std::vector<StopPoint> stops_;
  u32 first_data_stop_ = 0;
  struct Passed {  // the instruction that the machine was stopped at
    u64 icount;    // hart.icount
    bool data;     // at its access, too
  };
  std::optional<Passed> passed_;
  bool engine_looks_ = false;  // at the next instruction, because it ran with the stop points
  // What the engine has of them, and which engine: a reboot makes another one.
  std::vector<StopPoint> used_stops_;
  const Engine* used_by_ = nullptr;
};

}  // namespace rookery::debug
