// SPDX-License-Identifier: Apache-2.0
// An engine that passes everything on to another one: who watches an engine, or falsifies it in a
// test, overrides a part.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"

namespace rookery {

class ForwardingEngine : public Engine {
 public:
  explicit ForwardingEngine(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  std::string_view name() const override { return engine_->name(); }
  const EngineConfig& config() const override { return engine_->config(); }
  u32 side_by_side() const override { return engine_->side_by_side(); }
  Result<RunReport> run(u64 max_steps) override { return engine_->run(max_steps); }
  Result<RunReport> run_unevenly(u64 max_steps) override {
    return engine_->run_unevenly(max_steps);
  }
  Result<MachineState> read_state(u32 vm) override { return engine_->read_state(vm); }
  Result<void> write_state(u32 vm, const MachineState& state) override {
    return engine_->write_state(vm, state);
  }
  Result<void> read_ram(u32 vm, u32 pa, std::span<u8> out) override {
    return engine_->read_ram(vm, pa, out);
  }
  Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) override {
    return engine_->write_ram(vm, pa, bytes);
  }
  Result<void> load_base(u32 pa, std::span<const u8> bytes) override {
    return engine_->load_base(pa, bytes);
  }
  Result<void> load_state(const MachineState& state) override { return engine_->load_state(state); }
  Result<void> reset(std::span<const u32> vms, const Checkpoint& loaded) override {
    return engine_->reset(vms, loaded);
  }
  Result<void> change_states(std::span<const WordChange> changes) override {
    return engine_->change_states(changes);
  }
  Result<void> change_ram(std::span<const WordChange> changes) override {
    return engine_->change_ram(changes);
  }
  Result<u32> queue_input(u32 vm, std::span<const u8> bytes, bool more) override {
    return engine_->queue_input(vm, bytes, more);
  }
  Result<void> stop_at(u32 vm, u64 icount) override { return engine_->stop_at(vm, icount); }
  Result<HostOrders> read_orders(u32 vm) override { return engine_->read_orders(vm); }
  Result<void> write_orders(u32 vm, const HostOrders& orders) override {
    return engine_->write_orders(vm, orders);
  }
  Result<void> stop_on_texts(std::shared_ptr<const ConsoleTexts> texts) override {
    return engine_->stop_on_texts(std::move(texts));
  }
  Result<void> set_stuck(u32 vm, const std::optional<WordBits>& stuck) override {
    return engine_->set_stuck(vm, stuck);
  }
  Result<void> change_at(u32 vm, const std::optional<LaterChange>& change) override {
    return engine_->change_at(vm, change);
  }
  Result<void> compare_path(std::shared_ptr<const InstructionPath> path) override {
    return engine_->compare_path(std::move(path));
  }
  Result<std::vector<std::optional<Parting>>> partings(std::span<const u32> vms) override {
    return engine_->partings(vms);
  }
  Result<std::vector<u32>> dirty_page_counts(std::span<const u32> vms) override {
    return engine_->dirty_page_counts(vms);
  }
  Result<void> resume(u32 vm) override { return engine_->resume(vm); }
  std::string take_console(u32 vm) override { return engine_->take_console(vm); }
  Result<u32> push_input(u32 vm, std::span<const u8> bytes) override {
    return engine_->push_input(vm, bytes);
  }
  Result<u64> state_hash(u32 vm) override { return engine_->state_hash(vm); }
  Result<std::vector<u64>> state_hashes(std::span<const u32> vms) override {
    return engine_->state_hashes(vms);
  }
  Result<std::vector<u32>> dirty_page_numbers(u32 vm) override {
    return engine_->dirty_page_numbers(vm);
  }
  Result<void> read_pages(u32 vm, std::span<const u32> numbers, std::span<u8> out) override {
    return engine_->read_pages(vm, numbers, out);
  }
  Result<void> set_stops(u32 vm, std::span<const StopPoint> stops) override {
    return engine_->set_stops(vm, stops);
  }
  Result<void> set_trace(u32 vm, const std::optional<TraceOptions>& options) override {
    return engine_->set_trace(vm, options);
  }
  std::vector<TraceRecord> take_trace(u32 vm) override { return engine_->take_trace(vm); }
  Result<void> set_profile(u32 vm, bool on) override { return engine_->set_profile(vm, on); }
  Result<Profile> read_profile(u32 vm) override { return engine_->read_profile(vm); }

 protected:
  std::unique_ptr<Engine> engine_;
};

}  // namespace rookery
