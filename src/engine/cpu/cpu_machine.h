// SPDX-License-Identifier: Apache-2.0
// One machine of the CPU engine, of either width. Implemented by interpreter.inl.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "isa/state.h"

namespace rookery::cpu {

class CpuMachine {
 public:
  virtual ~CpuMachine() = default;

  // Runs until the machine exits or has made exactly max_steps more steps; returns the steps made.
  // EXIT_TRACE_FULL: take_trace() makes room.
  virtual u64 run(u64 max_steps) = 0;

  // Makes a machine that exited runnable again, or one that runs exit.
  virtual void resume() = 0;
  virtual void stop(u32 reason) = 0;

  virtual isa::MachineState state() const = 0;
  // `state` has this machine's width.
  virtual void set_state(const isa::MachineState& state) = 0;

  // Guest RAM. After changing it from outside, ram_changed() says so.
  virtual std::span<u8> ram() = 0;
  virtual void ram_changed(u32 offset, u64 bytes) = 0;
  // The page is what it was loaded as: it is dirty no longer.
  virtual void page_restored(u32 number) = 0;

  virtual std::string take_console() = 0;
  virtual u32 push_input(std::span<const u8> bytes) = 0;
  virtual u32 queue_input(std::span<const u8> bytes, bool more) = 0;
  // Null: none. The search begins anew.
  virtual void stop_on_texts(std::shared_ptr<const ConsoleTexts> texts) = 0;
  // Engine::set_stuck() and Engine::change_at(), checked, and Engine::compare_path(): null ends it,
  // and forgets the parting.
  virtual void set_stuck(const std::optional<WordBits>& stuck) = 0;
  virtual void change_at(const std::optional<LaterChange>& change) = 0;
  virtual void compare_path(std::shared_ptr<const InstructionPath> path) = 0;
  virtual const std::optional<Parting>& parting() const = 0;
  // All but stop_at.
  virtual HostOrders orders() const = 0;
  virtual void set_orders(const HostOrders& orders) = 0;
  virtual std::vector<u32> dirty_page_numbers() const = 0;

  // Engine::set_stops(), checked, and Engine::set_trace(); the records since the last take_trace().
  virtual void set_stops(std::span<const StopPoint> stops) = 0;
  virtual void set_trace(const std::optional<TraceOptions>& options) = 0;
  virtual std::vector<TraceRecord> take_trace() = 0;
  // Engine::set_profile(); the isa::PROFILE_WORDS words counted, none if it is not profiled.
  virtual void set_profile(bool on) = 0;
  virtual std::span<const u32> profile() const = 0;
};

// RAM is reserved here and becomes resident as it is touched. Null if there is not enough.
std::unique_ptr<CpuMachine> make_cpu_machine_32(u32 ram_bytes);
std::unique_ptr<CpuMachine> make_cpu_machine_64(u32 ram_bytes);

}  // namespace rookery::cpu
