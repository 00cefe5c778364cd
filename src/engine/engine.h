// SPDX-License-Identifier: Apache-2.0
// The one interface through which machines get executed. An engine holds `vm_count` machines of one
// width and RAM size, numbered from 0, and runs all that are runnable. The CPU engine
// (engine/cpu/cpu_engine.h) and the GPU engine (engine/gpu/gpu_engine.h) execute the same machine
// bit for bit: at the same hart.icount their state hashes are equal.
//
// Not thread-safe: one thread drives an engine. A machine that stopped with an exit stays stopped
// until its machine.run_state is written back to EXIT_NONE (resume()).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/console_texts.h"
#include "engine/profile.h"
#include "engine/trace.h"
#include "isa/state.h"

namespace rookery {

using isa::MachineState;
using isa::Xlen;

struct EngineConfig {
  Xlen xlen = Xlen::rv32;
  u64 ram_bytes = u64{64} << 20;  // a multiple of isa::PAGE_BYTES
  u32 vm_count = 1;
  // GPU: private pages for all machines together, to begin with; 0 lets the engine choose (a single
  // machine gets all of its RAM). When they are used up there will be more, up to max_pool_pages;
  // 0: up to what the device has.
  u64 pool_pages = 0;
  u64 max_pool_pages = 0;
};

// RAM ends with the 32-bit physical address space, less a page so that sizes fit in 32 bits.
inline constexpr u64 kMaxRamBytes = (u64{1} << 32) - isa::RAM_BASE - isa::PAGE_BYTES;

// Where a machine stands: the steps made since it was loaded, and the next instruction's address.
u64 icount_of(const MachineState& state);
u64 pc_of(const MachineState& state);

// A change of one word of a machine: of its state (State<U>::words(), by number) or of its RAM (by
// physical address, a multiple of 4). The bits of `keep` are kept, then those of `flip` flipped.
struct WordChange {
  u32 vm = 0;
  u32 at = 0;
  u32 keep = 0;
  u32 flip = 0;  // with keep 0: the new value
};

// Bits of one word of a machine, and what becomes of them: as in a WordChange.
struct WordBits {
  bool is_ram = false;
  u32 at = 0;
  u32 keep = 0;
  u32 flip = 0;

  bool operator==(const WordBits&) const = default;
};

// A change of a machine that is still to come.
struct LaterChange {
  u64 icount = 0;  // before the instruction at this hart.icount
  WordBits word;

  bool operator==(const LaterChange&) const = default;
};

// The instructions that a machine executed: the low words of their addresses, one for each step.
struct InstructionPath {
  u64 first = 0;         // hart.icount of the first
  std::vector<u32> pcs;  // isa::PATH_ANY: not known
};
inline constexpr u64 kMaxPathSteps = u64{16} << 20;

// The first instruction of a machine that another one, at the same hart.icount, did not execute.
struct Parting {
  u64 icount = 0;
  u64 pc = 0;

  bool operator==(const Parting&) const = default;
};

// Sentences about a configuration or a range of physical addresses that cannot be
// (ErrorKind::usage).
Result<void> check_engine_config(const EngineConfig& config);
Result<void> check_ram_range(const EngineConfig& config, u32 pa, u64 bytes);
Result<void> check_state_changes(const EngineConfig& config, std::span<const WordChange> changes);
Result<void> check_word(const EngineConfig& config, const WordBits& word);
Result<void> check_path(const InstructionPath* path);
Result<void> check_ram_changes(const EngineConfig& config, std::span<const WordChange> changes);
Result<void> check_pages(const EngineConfig& config, std::span<const u32> numbers, u64 out_bytes);

// Why a machine stopped: isa/exits.def.
struct Exit {
  u32 vm = 0;
  u32 reason = 0;
  u32 arg0 = 0;
  u32 arg1 = 0;
  u64 icount = 0;  // where it stands
};

struct Checkpoint;  // engine/checkpoint.h

// What a machine's host has told its engine: stop_at(), how far stop_on_texts() has come, what is
// left of queue_input(), set_stuck(), change_at(); and the parting that compare_path() has seen.
struct HostOrders {
  u64 stop_at = 0;
  u32 matched = 0;
  std::string input;
  bool more_input = false;
  std::optional<WordBits> stuck;
  std::optional<LaterChange> change;
  std::optional<Parting> parting;
};

struct RunReport {
  // Made by every machine that did not exit; after run_unevenly(), by the one that got furthest.
  u64 steps = 0;
  std::vector<Exit> exits;
};

// Where a machine stops for a debugger. Virtual addresses, as the hart uses them.
struct StopPoint {
  enum class Kind : u8 { execute, load, store, access };  // access: load or store
  Kind kind = Kind::execute;
  u64 va = 0;
  u32 bytes = 1;  // of a load/store/access point: the range watched

  bool operator==(const StopPoint&) const = default;
};

// A sentence about stop points that a machine cannot have (ErrorKind::usage).
Result<void> check_stops(const EngineConfig& config, std::span<const StopPoint> stops);

class Engine {
 public:
  virtual ~Engine() = default;

  // For people: "CPU", "GPU (NVIDIA H200)".
  virtual std::string_view name() const = 0;
  virtual const EngineConfig& config() const = 0;

  // Machines in each stretch of so many, from 0, are executed side by side: the more alike they do,
  // the faster.
  virtual u32 side_by_side() const { return 1; }

  // Runs every runnable machine until it exits or has made report.steps more steps. That is at most
  // `max_steps`, and may be less (a GPU returns after one dispatch): call again for the rest. Where
  // a run is cut changes nothing in the machines. A full console is served inside.
  virtual Result<RunReport> run(u64 max_steps) = 0;

  // The same where nobody minds how far each machine comes: one that is slow to execute may make
  // fewer steps, so that the others do not wait for it.
  virtual Result<RunReport> run_unevenly(u64 max_steps) { return run(max_steps); }

  virtual Result<MachineState> read_state(u32 vm) = 0;
  virtual Result<void> write_state(u32 vm, const MachineState& state) = 0;

  // Guest-physical RAM. A range outside RAM is a usage error.
  virtual Result<void> read_ram(u32 vm, u32 pa, std::span<u8> out) = 0;
  virtual Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) = 0;

  // Fills the RAM of every machine with the same image: shared and read-only on the GPU until a
  // machine stores to a page. Only before the first run(). `pa` need not be aligned; the rest of
  // RAM stays zero.
  virtual Result<void> load_base(u32 pa, std::span<const u8> bytes) = 0;

  // Gives every machine the same state, sooner than write_state() for each. Only before the first
  // run().
  virtual Result<void> load_state(const MachineState& state);

  // Makes machines again what load_base() and load_state() made them: those of `loaded`, which
  // load_machine() was given. It costs the pages that they have stored to, and they have none
  // afterwards. What they printed and nobody took is dropped, and so is what is queued for them.
  virtual Result<void> reset(std::span<const u32> vms, const Checkpoint& loaded) = 0;

  // Changes single words of many machines, of their states or of their RAM; no two changes are of
  // the same word. A GPU does all of them at once.
  virtual Result<void> change_states(std::span<const WordChange> changes);
  virtual Result<void> change_ram(std::span<const WordChange> changes);

  // What the machine printed since the last call. To be called after every run().
  virtual std::string take_console(u32 vm) = 0;

  // Types bytes into the UART's receive FIFO. Returns how many fitted.
  virtual Result<u32> push_input(u32 vm, std::span<const u8> bytes) = 0;

  // Queues bytes for the UART, in place of what is queued: they go into the receive FIFO whenever
  // the guest has emptied it, at the same step on every engine. Returns how many are queued, at
  // most isa::INPUT_QUEUE_BYTES. With `more` the machine exits with EXIT_INPUT when the last of
  // them is in the FIFO.
  virtual Result<u32> queue_input(u32 vm, std::span<const u8> bytes, bool more) = 0;

  // The machine exits with EXIT_COUNT before the instruction at that hart.icount, once; at once, if
  // it is there or beyond. 0: nowhere. Stopping there changes nothing that the guest can see.
  virtual Result<void> stop_at(u32 vm, u64 icount) = 0;

  // All of that, to put a machine away and back.
  virtual Result<HostOrders> read_orders(u32 vm) = 0;
  virtual Result<void> write_orders(u32 vm, const HostOrders& orders) = 0;

  // Every machine that prints one of the texts exits with EXIT_TEXT (arg0: which one), after the
  // instruction that printed its last byte. Null: none. The search begins at the next byte.
  virtual Result<void> stop_on_texts(std::shared_ptr<const ConsoleTexts> texts) = 0;

  // Before each instruction from now on, the word becomes (word & keep) ^ flip, as if by
  // change_states() or change_ram(). Machines run slower. Empty: no longer.
  virtual Result<void> set_stuck(u32 vm, const std::optional<WordBits>& stuck) = 0;

  // Changes a word before the instruction at a hart.icount, or at once if the machine is beyond: as
  // if it had exited there by stop_at(), change_states() or change_ram() had been called, and it
  // had been resumed. It does not exit, and machines that do alike stay side by side. One at a
  // time; empty: none.
  virtual Result<void> change_at(u32 vm, const std::optional<LaterChange>& change) = 0;

  // Compares the instructions of all machines with those of the path at the same hart.icount, as
  // long as it lasts: at most kMaxPathSteps. Machines run slower; those that are watched (stop
  // points, a trace, a profile) are not compared. Null: ends that. Forgets all partings.
  virtual Result<void> compare_path(std::shared_ptr<const InstructionPath> path) = 0;
  // Where machines have left the path, each for the first time since it was given or they were
  // reset.
  virtual Result<std::vector<std::optional<Parting>>> partings(std::span<const u32> vms) = 0;

  // The state's words and all of RAM (engine/state_hash.h). Equal on every engine at equal
  // hart.icount.
  virtual Result<u64> state_hash(u32 vm) = 0;
  // Of several machines, in that order; a GPU hashes them at once.
  virtual Result<std::vector<u64>> state_hashes(std::span<const u32> vms);

  // Pages of RAM that the machine, or write_ram(), has stored to since it was loaded: how many, and
  // which, ascending. Page 0 is RAM's first.
  Result<u64> dirty_pages(u32 vm);
  virtual Result<std::vector<u32>> dirty_page_counts(std::span<const u32> vms);
  virtual Result<std::vector<u32>> dirty_page_numbers(u32 vm) = 0;

  // Whole pages, one after the other: PAGE_BYTES of `out` for each.
  virtual Result<void> read_pages(u32 vm, std::span<const u32> numbers, std::span<u8> out) = 0;

  // Sets the stop points of a machine, replacing earlier ones; none: it runs as fast as ever. At
  // most isa::STOP_POINTS.
  //
  // The machine exits with EXIT_STOP_POINT (arg0: the index of the point, arg1: the low word of the
  // address) before the instruction at an execute point, and before an instruction that is about to
  // access a byte of the range of a load, store or access point, whether or not the access will
  // succeed: nothing of the instruction is done or counted. Interrupts of that boundary have been
  // taken. Of several points that match, execute points come first, then the lowest index. Page
  // walks and fetches are no accesses.
  //
  // After resume() the machine executes the instruction without stopping at it again, also when the
  // stop points were set anew; if pc or icount is written meanwhile, it does stop. Stop points are
  // no part of the machine: they change no state.
  virtual Result<void> set_stops(u32 vm, std::span<const StopPoint> stops) = 0;

  // Has a machine leave records of what it does, or no longer. It runs slower, others do not. A
  // run() ends early when a machine has many records (isa::TRACE_RING_RECORDS): none is lost.
  virtual Result<void> set_trace(u32 vm, const std::optional<TraceOptions>& options) = 0;

  // The records since the last call, in order. To be called after every run().
  virtual std::vector<TraceRecord> take_trace(u32 vm) = 0;

  // Begins to count what a machine does, from 0, or ends it and forgets the counts. It runs slower,
  // others do not.
  virtual Result<void> set_profile(u32 vm, bool on) = 0;

  // The counts so far; of a machine that is not profiled, zeros.
  virtual Result<Profile> read_profile(u32 vm) = 0;

  // Makes a machine that exited runnable again.
  virtual Result<void> resume(u32 vm);
};

}  // namespace rookery
