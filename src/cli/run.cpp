// SPDX-License-Identifier: Apache-2.0
// `rookery run`: one machine, with this terminal as its console.
#include <cstdlib>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/gdb_session.h"
#include "cli/machine_options.h"
#include "cli/monitor_socket.h"
#include "cli/recording_file.h"
#include "cli/terminal.h"
#include "debug/monitor.h"
#include "fleet/choose_engine.h"
#include "fleet/snapshot_file.h"
#include "machine/machine.h"
#include "machine/machine_identity.h"

namespace rookery::cli {
namespace {

// A terminal has to feel immediate; nobody watches a pipe.
constexpr u64 kTerminalDispatchUs = 20'000;
constexpr u64 kPipeDispatchUs = 100'000;

// How often a recording on the CPU engine gets the machine's hash, unless told.
constexpr u64 kCpuHashStride = 20'000'000;

struct RunArguments {
  MachineOptions machine;
  EngineRequest engine;
  std::string timeout;
  bool no_console = false;
  bool trace_exits = false;
  std::string stats;  // empty, text or json
  std::string gdb;    // [HOST:]PORT; empty: no debugger
  std::string gdb_at;
  u32 gdb_vm = 0;
  std::string record;
  std::string record_hashes;
  std::string replay;
  std::string monitor;
  std::string snapshot;          // to go on from; empty: a machine is made
  bool has_snapshot_on = false;  // else Ctrl-A s alone stores the machine
  std::string snapshot_on;       // TEXT, COUNT or signal
  std::string output;            // where snapshots go
  std::vector<std::string> parents;
};

// What the end means for whoever started us, and the sentence for it (empty: nothing needs saying).
struct Ending {
  int code = kExitGood;
  std::string sentence;
};

Ending ending_of(const RunEnd& end, const MachineStatus& status) {
  switch (end.reason) {
    case EndReason::shutdown: {
      if (end.status == 0 && !end.failed) return {};
      const bool passes = end.status >= 1 && end.status <= static_cast<u32>(kExitGuestMax);
      return {passes ? static_cast<int>(end.status) : kExitGuestFailed,
              fmt::format("the guest ended with status {}.", end.status)};
    }
    case EndReason::instructions:
      return {kExitLimitReached, fmt::format("stopped after {} instructions (--max-instructions).",
                                             status.instructions)};
    case EndReason::timeout:
      return {kExitLimitReached, fmt::format("stopped after {:.1f} s (--timeout), {} instructions.",
                                             static_cast<double>(status.wall_us) / 1e6,
                                             count_text(status.instructions))};
    case EndReason::stopped:
      if (stop_signal() == 0) return {};
      return {kExitSignalBase + stop_signal(), fmt::format("stopped by signal {}.", stop_signal())};
    case EndReason::idle:
      return {kExitGood, "the guest waits for input and there is no more: the run is over."};
    case EndReason::stuck:
      return {end.failed ? kExitGuestFailed : kExitGood,
              "the guest waits for an interrupt that cannot come: the run is over."};
    case EndReason::reboot_at_end:
      return {kExitGood, "the guest rebooted and there is no more input: the run is over."};
    case EndReason::recording_stops:
      return {kExitLimitReached, fmt::format("nothing is known of what came after {} instructions.",
                                             status.instructions)};
  }
  return {};
}

// The same, for an end that a recording has: the status is what it was.
Ending replayed_ending_of(const RunEnd& end, const MachineStatus& status) {
  Ending ending = ending_of(end, status);
  if (end.reason == EndReason::shutdown && ending.sentence.empty())
    ending.sentence = "the guest shut down.";
  if (end.reason == EndReason::timeout)
    ending.sentence =
        fmt::format("it was stopped after {} instructions (--timeout).", status.instructions);
  if (end.reason == EndReason::stopped)
    ending = {kExitGood, fmt::format("it was stopped after {} instructions.", status.instructions)};
  ending.sentence = "the recording is over: " + ending.sentence;
  return ending;
}

std::string stats_text(const std::string& format, const RunEnd& end, const MachineStatus& status,
                       int code) {
  const double wall_seconds = static_cast<double>(status.wall_us) / 1e6;
  const double mips =
      wall_seconds > 0
          ? static_cast<double>(status.instructions - status.begun_at) / 1e6 / wall_seconds
          : 0;
  if (format == "json") {
    const nlohmann::json json = {
        {"engine", status.engine},
        {"instructions", status.instructions},
        {"wall_seconds", wall_seconds},
        {"mips", mips},
        {"guest_seconds", static_cast<double>(status.guest_us) / 1e6},
        {"dirty_pages", status.dirty_pages},
        {"exits", status.exits},
        {"end", end_name(end.reason)},
        {"exit_code", code},
    };
    return json.dump() + "\n";
  }
  return fmt::format(
      "Rookery: {} instructions in {:.2f} s ({:.1f} MIPS), {} dirty pages ({}), {} exits, {} "
      "engine.\n",
      status.instructions, wall_seconds, mips, status.dirty_pages,
      size_text(status.dirty_pages * isa::PAGE_BYTES), status.exits, status.engine);
}

// Listens for gdb, if it was asked for.
Result<std::unique_ptr<GdbListener>> open_gdb_listener(const RunArguments& arguments) {
  if (arguments.gdb_vm != 0) {
    return fail(ErrorKind::usage,
                "--gdb-vm {}: there is no such machine. This run has one, and its number is 0.",
                arguments.gdb_vm);
  }
  if (arguments.gdb.empty()) return nullptr;
  auto address = parse_gdb_address(arguments.gdb);
  if (!address) return std::unexpected(std::move(address.error()));
  return GdbListener::open(*address);
}

// Instructions between two hashes of a recording; 0: none.
Result<u64> hash_stride_of(const std::string& asked, bool is_cpu) {
  if (asked == "off") return 0;
  if (asked.empty()) return is_cpu ? kCpuHashStride : 0;
  return parse_count(asked, "--record-hashes");
}

// --- Snapshots ---

// When and where a run stores its machine.
class SnapshotPlan {
 public:
  static Result<SnapshotPlan> create(const RunArguments& arguments) {
    SnapshotPlan plan;
    plan.path_ = arguments.output;
    plan.command_line_ = arguments.machine.config.append;
    const bool stores = !plan.path_.empty() || !arguments.monitor.empty();
    if (stores && !arguments.parents.empty()) {
      auto parent = ParentFile::open(arguments.parents.front(), arguments.parents);
      if (!parent) return std::unexpected(std::move(parent.error()));
      plan.parent_ = *std::move(parent);
      if (!plan.path_.empty()) {
        if (auto base = plan.parent_->base_of(plan.path_); !base)
          return std::unexpected(std::move(base.error()));
      }
    }
    if (!arguments.has_snapshot_on) return plan;
    if (arguments.snapshot_on.empty()) {
      return fail(ErrorKind::usage,
                  "--snapshot-on \"\" is no text that a guest could print: write one, a count, or "
                  "signal.");
    }
    if (plan.path_.empty()) {
      return fail(ErrorKind::usage, "--snapshot-on \"{}\" needs a file: -o FILE.rook.",
                  arguments.snapshot_on);
    }
    if (arguments.snapshot_on == "signal") {
      listen_to_user_signal();
    } else if (auto count = parse_count(arguments.snapshot_on, "--snapshot-on")) {
      plan.count_ = *count;
    } else if (arguments.snapshot_on.find_first_not_of("0123456789") == std::string::npos) {
      return std::unexpected(std::move(count.error()));
    } else {
      auto texts = ConsoleTexts::create(std::span(&arguments.snapshot_on, 1));
      if (!texts) return std::unexpected(std::move(texts.error()).during("reading --snapshot-on"));
      plan.texts_ = *std::move(texts);
      plan.text_ = arguments.snapshot_on;
    }
    return plan;
  }

  // Remarks of the one that the run goes on from.
  void go_on_from(const Snapshot& snapshot) { command_line_ = snapshot.command_line; }

  // To stop at; null: none.
  const std::shared_ptr<const ConsoleTexts>& texts() const { return texts_; }
  std::optional<u64> count() const { return count_; }

  // After a turn. True: that was what the run was for.
  Result<bool> look(Machine& machine, Console& console, const std::optional<RunEnd>& end) {
    const bool at_text = machine.take_text_seen();
    const bool at_count = count_ && end && end->reason == EndReason::instructions &&
                          machine.instructions() == *count_;
    if (at_text || at_count) {
      auto done = take(machine, console);
      if (!done) return std::unexpected(std::move(done.error()));
      taken_ = true;
      return true;
    }
    if (console.take_snapshot_request() || take_user_signal()) {
      if (path_.empty()) {
        console.note("there is no file for it: start with -o FILE.rook.");
      } else if (auto done = take(machine, console); !done) {
        return std::unexpected(std::move(done.error()));
      }
    }
    return false;
  }

  // What was waited for and did not come; empty: nothing was.
  std::string missed() const {
    if (taken_ || (text_.empty() && !count_)) return {};
    if (count_)
      return fmt::format("No snapshot was taken: the run ended before {} instructions.", *count_);
    return fmt::format("No snapshot was taken: the guest did not print \"{}\".", text_);
  }
  bool taken() const { return taken_; }

  // Gives the file's size.
  Result<u64> store(Machine& machine, const std::string& path) const {
    auto snapshot = machine.snapshot();
    if (!snapshot) return std::unexpected(std::move(snapshot.error()));
    snapshot->program = "rookery " ROOKERY_VERSION;
    snapshot->command_line = command_line_;
    return write_snapshot(path, *snapshot, parent_ ? &*parent_ : nullptr);
  }

 private:
  Result<void> take(Machine& machine, Console& console) {
    auto bytes = store(machine, path_);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    console.note(fmt::format("snapshot after {} instructions: \"{}\", {}.", machine.instructions(),
                             path_, size_text(*bytes)));
    return {};
  }

  std::string path_;
  std::string text_;
  std::shared_ptr<const ConsoleTexts> texts_;  // that one
  std::string command_line_;
  std::optional<u64> count_;
  std::optional<ParentFile> parent_;  // what is stored is the difference from it
  bool taken_ = false;
};

// The monitor of a run that has one.
struct Monitoring {
  MonitorSocket& socket;
  debug::Monitor& monitor;
};

// Turns until the end, with the status line and the monitor in between. `gdb` may be null.
Result<RunEnd> drive(Machine& machine, Console& console, GdbSession* gdb,
                     std::optional<Monitoring> monitoring, SnapshotPlan& snapshots) {
  for (;;) {
    if (monitoring) console.wake_on(&monitoring->socket, monitoring->socket.descriptors());
    auto end = gdb != nullptr ? gdb->turn() : machine.turn();
    if (!end) return std::unexpected(std::move(end.error()));
    auto taken = snapshots.look(machine, console, *end);
    if (!taken) return std::unexpected(std::move(taken.error()));
    if (*taken && !*end) *end = RunEnd{.reason = EndReason::stopped};
    if (*end) {
      if (monitoring) monitoring->socket.finish(monitoring->monitor, **end);
      return **end;
    }
    if (monitoring) monitoring->socket.serve(monitoring->monitor);
    if (console.take_status_request()) {
      auto status = machine.status();
      if (!status) return std::unexpected(std::move(status.error()));
      console.note(status_line(*status));
    }
    if (machine.is_asleep() || machine.is_paused()) {
      console.erase_progress();  // nobody waits for the machine
    } else {
      console.show_progress(machine.instructions(), machine.mips());
    }
  }
}

// A replay of a run from a snapshot needs that, unless other images are given.
Result<void> use_recorded_snapshot(const Recording& replay, RunArguments& arguments) {
  const std::optional<RecordedSnapshot>& recorded = replay.machine.snapshot;
  if (!recorded) return {};
  if (!arguments.gdb.empty()) {
    return fail(ErrorKind::usage,
                "--gdb does not go with the recording \"{}\": it is of a run from a snapshot.",
                arguments.replay);
  }
  const MachineConfig& given = arguments.machine.config;
  const bool is_other =
      !arguments.machine.image.empty() || !given.kernel_path.empty() || !given.bare_path.empty();
  if (arguments.snapshot.empty() && !is_other) arguments.snapshot = recorded->path;
  return {};
}

// The machine that runs, without an image if it is a snapshot's.
Result<IdentifiedMachine> identify_machine(const RunArguments& arguments,
                                           const std::optional<Snapshot>& snapshot,
                                           const RecordedMachine* recorded) {
  if (!snapshot) return plan_identified_machine(arguments.machine, recorded);
  RecordedMachine identity = describe_resumed(*snapshot, arguments.snapshot);
  if (recorded != nullptr) {
    if (auto same = check_same_machine(*recorded, identity); !same)
      return std::unexpected(std::move(same.error()));
  }
  return IdentifiedMachine{{}, std::move(identity)};
}

Result<int> run(RunArguments arguments) {
  RunOptions options;
  auto max_count = max_instructions(arguments.machine);
  if (!max_count) return std::unexpected(std::move(max_count.error()));
  options.max_instructions = *max_count;
  if (!arguments.timeout.empty()) {
    auto timeout_us = parse_seconds(arguments.timeout, "--timeout");
    if (!timeout_us) return std::unexpected(std::move(timeout_us.error()));
    options.timeout_us = *timeout_us;
  }
  auto listener = open_gdb_listener(arguments);
  if (!listener) return std::unexpected(std::move(listener.error()));
  u64 gdb_at = 0;
  if (!arguments.gdb_at.empty()) {
    auto count = parse_count(arguments.gdb_at, "--gdb-at");
    if (!count) return std::unexpected(std::move(count.error()));
    gdb_at = *count;
  }

  std::optional<Recording> replay;
  if (!arguments.replay.empty()) {
    auto recording = read_recording(arguments.replay);
    if (!recording) return std::unexpected(std::move(recording.error()));
    replay = *std::move(recording);
    options.replay = &*replay;
    if (auto used = use_recorded_snapshot(*replay, arguments); !used)
      return std::unexpected(std::move(used.error()));
    options.goes_back = *listener != nullptr;
  }

  auto snapshots = SnapshotPlan::create(arguments);
  if (!snapshots) return std::unexpected(std::move(snapshots.error()));
  options.texts = snapshots->texts();
  if (snapshots->count()) {
    options.max_instructions = std::min(options.max_instructions, *snapshots->count());
  }
  std::optional<Snapshot> snapshot;
  if (!arguments.snapshot.empty()) {
    auto read = read_snapshot(arguments.snapshot, arguments.parents);
    if (!read) return std::unexpected(std::move(read.error()));
    snapshot = *std::move(read);
    snapshots->go_on_from(*snapshot);
  }

  // Files first: their errors come at once, a GPU takes its time.
  auto planned = identify_machine(arguments, snapshot, replay ? &replay->machine : nullptr);
  if (!planned) {
    if (!replay) return std::unexpected(std::move(planned.error()));
    return std::unexpected(
        std::move(planned.error()).during(fmt::format("replaying \"{}\"", arguments.replay)));
  }
  BootImage& image = planned->image;
  RecordedMachine& identity = planned->identity;
  identity.program = "rookery " ROOKERY_VERSION;

  std::unique_ptr<MonitorSocket> monitor_socket;
  if (!arguments.monitor.empty()) {
    auto opened = MonitorSocket::open(arguments.monitor);
    if (!opened) return std::unexpected(std::move(opened.error()));
    monitor_socket = *std::move(opened);
  }

  auto engine = choose_engine(arguments.engine);
  if (!engine) return std::unexpected(std::move(engine.error()));
  const bool is_cpu = engine->adapter.empty();
  identity.engine = is_cpu ? "CPU" : fmt::format("GPU ({})", engine->adapter);
  std::unique_ptr<RecordingFile> record;
  if (!arguments.record.empty()) {
    auto file = RecordingFile::create(arguments.record, identity);
    if (!file) return std::unexpected(std::move(file.error()));
    record = *std::move(file);
    options.journal = record.get();
    auto stride = hash_stride_of(arguments.record_hashes, is_cpu);
    if (!stride) return std::unexpected(std::move(stride.error()));
    options.hash_stride = *stride;
  }

  auto console = Console::open({arguments.no_console, arguments.trace_exits});
  if (!console) return std::unexpected(std::move(console.error()));
  if (!engine->note.empty()) (*console)->note(engine->note);
  if (replay && !replay->cut.empty())
    (*console)->note(replay->cut + " It is replayed up to there.");
  options.input = (*console)->input_mode();
  options.dispatch_us =
      options.input == InputMode::terminal ? kTerminalDispatchUs : kPipeDispatchUs;

  EngineConfig engine_config;
  engine_config.xlen = snapshot ? snapshot->image.xlen : image.xlen;
  engine_config.ram_bytes = snapshot ? snapshot->image.ram_bytes : image.ram_bytes;
  const auto make_engine = [&] { return engine->make(engine_config); };
  auto machine = snapshot ? Machine::resume(*std::move(snapshot), make_engine, options, **console)
                          : Machine::create(std::move(image), make_engine, options, **console);
  if (!machine) return std::unexpected(std::move(machine.error()));

  std::optional<GdbSession> gdb;
  if (*listener != nullptr) {
    std::optional<debug::History> history;
    if (replay) {
      auto begun = debug::History::begin(**machine);
      if (!begun) return std::unexpected(std::move(begun.error()));
      history.emplace(*std::move(begun));
    }
    gdb.emplace(*std::move(listener), **machine, **console, gdb_at, std::move(history));
  }
  debug::Monitor monitor(**machine, ROOKERY_VERSION, [&](const std::string& path) {
    return snapshots->store(**machine, path);
  });
  std::optional<Monitoring> monitoring;
  if (monitor_socket) monitoring.emplace(Monitoring{*monitor_socket, monitor});
  auto end = drive(**machine, **console, gdb ? &*gdb : nullptr, monitoring, *snapshots);
  if (!end) return std::unexpected(std::move(end.error()));
  auto status = (*machine)->status();
  if (!status) return std::unexpected(std::move(status.error()));
  Ending ending = end->replayed ? replayed_ending_of(*end, *status) : ending_of(*end, *status);
  if (snapshots->taken()) ending = {};
  if (const std::string missed = snapshots->missed(); !missed.empty()) {
    (*console)->finish_line();
    return fail(ErrorKind::usage, "{}{}{}", missed,
                ending.sentence.empty() ? "" : " Its end: ", ending.sentence);
  }
  if (gdb) gdb->finish(ending.code);
  (*console)->finish_line();
  if (!ending.sentence.empty()) (*console)->note(ending.sentence);
  if (!arguments.stats.empty())
    (*console)->write_raw(stats_text(arguments.stats, *end, *status, ending.code));
  return ending.code;
}

}  // namespace

void add_run_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("run", "Boot a machine and type into it");
  auto arguments = std::make_shared<RunArguments>();
  add_machine_options(*command, arguments->machine);

  command
      ->add_option("--engine", arguments->engine.engine,
                   "auto (default): the GPU if there is one, else the CPU")
      ->check(CLI::IsMember({"auto", "cpu", "gpu"}))
      ->type_name("auto|cpu|gpu");
  command
      ->add_option("--adapter", arguments->engine.adapter,
                   "GPU whose name contains this, or software")
      ->type_name("NAME|software");
  command
      ->add_option("--max-instructions", arguments->machine.max_instructions,
                   "Stop after so many: 1000, 30M, 2G (status 124)")
      ->type_name("COUNT");
  command->add_option("--timeout", arguments->timeout, "Stop after so many seconds (status 124)")
      ->type_name("SECONDS");
  command->add_flag("--no-console", arguments->no_console,
                    "Print nothing of the guest's and type nothing into it");
  command->add_flag("--trace-exits", arguments->trace_exits,
                    "A line on standard error for each exit to the host");
  command->add_flag("--stats{text}", arguments->stats,
                    "Instructions, time, speed at the end; --stats=json for programs");
  auto* gdb = command
                  ->add_option("--gdb", arguments->gdb,
                               "Wait for gdb there, the machine stopped before its first "
                               "instruction; port 0: any. With --replay, gdb can go backwards too")
                  ->type_name("[HOST:]PORT");
  command
      ->add_option("--gdb-at", arguments->gdb_at,
                   "Run so many instructions before waiting for gdb: 1000, 30M, 2G")
      ->needs(gdb)
      ->type_name("COUNT");
  command->add_option("--gdb-vm", arguments->gdb_vm, "The machine that gdb debugs (0)")
      ->needs(gdb)
      ->type_name("NUMBER");
  auto* record = command->add_option(
      "--record", arguments->record,
      "Store all that enters the machine, for --replay: what is typed, and when");
  auto* replay = command->add_option("--replay", arguments->replay,
                                     "Run again what --record stored, on either engine");
  command
      ->add_option(
          "--record-hashes", arguments->record_hashes,
          "Also store the machine's hash every so many instructions, for --replay to check "
          "(default: 20M on the CPU engine, off on the GPU)")
      ->type_name("COUNT|off")
      ->needs(record);
  record->excludes(replay);
  record->excludes(gdb);  // what gdb writes is in no recording
  command
      ->add_option("--monitor", arguments->monitor,
                   "Listen there for a program that pauses, steps and looks into the machine")
      ->type_name("unix:PATH");
  for (auto* option : {record, replay}) option->type_name("FILE");
  auto* from =
      command->add_option("SNAPSHOT", arguments->snapshot,
                          "Go on from this file, which --snapshot-on or 'rookery pack' wrote");
  from->type_name("FILE.rook");
  exclude_machine_options(*command, *from);
  auto* snapshot_on =
      command
          ->add_option("--snapshot-on", arguments->snapshot_on,
                       "Store the whole machine when the guest has printed TEXT, or after COUNT "
                       "instructions, and end; or, each time SIGUSR1 comes, and go on")
          ->type_name("TEXT|COUNT|signal");
  command
      ->add_option("-o,--output", arguments->output,
                   "Where snapshots go: these and those of Ctrl-A s")
      ->type_name("FILE.rook");
  add_parent_option(*command, arguments->parents)
      ->description(
          "With -o or --monitor: store only what differs from this snapshot. Without: where "
          "SNAPSHOT's parent "
          "is, if it is not where it was; may be given more than once");

  command->footer(
      "On a terminal: Ctrl-A x ends the machine, Ctrl-A h tells the other keys. Piped input is "
      "typed line by\n"
      "line whenever the guest waits for it. QEMU's -kernel -initrd -append -m -bios -dtb are "
      "understood.\n"
      "\n"
      "Exit status: 0, or the guest's own (1 to 125); 124 limit reached; 64 wrong usage; 65 "
      "unusable image;\n"
      "69 GPU lost; 71 out of memory; 74 input or output failed; 128 + n signal n.\n"
      "\n"
      "Examples:\n"
      "  rookery run                                      boot the image that comes with Rookery\n"
      "  rookery run --image nommu                        Linux without an MMU, in M-mode\n"
      "  rookery run --kernel Image --initrd root.cpio --append 'console=ttyS0' --memory 128M\n"
      "  rookery run --engine gpu --adapter software      on a GPU emulated by the CPU\n"
      "  echo 'uname -a' | rookery run --timeout 60       type a line, see the answer\n"
      "  rookery run --bios fw_dynamic.bin                under OpenSBI\n"
      "  rookery run --bare test.elf --stats              a bare-metal program, then numbers\n"
      "  rookery run --gdb 1234                           then: gdb-multiarch -ex 'target remote "
      ":1234'\n"
      "  rookery run --snapshot-on '~# ' -o booted.rook     then: rookery run booted.rook\n"
      "  rookery run --record session.rec                 then: rookery run --replay session.rec\n"
      "  rookery run --replay session.rec --gdb 1234 --gdb-at 5M    and backwards from there");
  command->callback([&chosen, arguments, snapshot_on] {
    arguments->has_snapshot_on = snapshot_on->count() != 0;
    if (!arguments->stats.empty() && arguments->stats != "text" && arguments->stats != "json") {
      throw CLI::ValidationError("--stats",
                                 fmt::format("\"{}\" is neither text nor json.", arguments->stats));
    }
    chosen = [arguments] { return run(*arguments); };
  });
}

}  // namespace rookery::cli
