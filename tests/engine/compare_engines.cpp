// SPDX-License-Identifier: Apache-2.0
#include "engine/compare_engines.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "isa/disassemble.h"

namespace rookery::test {
namespace {

constexpr u64 kParts = 16;          // a stretch is narrowed by this factor each time
constexpr u32 kMaxWordsShown = 16;  // of RAM

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

// --- States as text ---

// The host's own words, which engines need not agree on (engine/state_hash.h).
bool is_the_hosts(std::string_view section, std::string_view name) {
  return section == "machine" &&
         (name == "run_state" || name == "exit_arg0" || name == "exit_arg1" || name == "wfi_exits");
}

class StateWriter {
 public:
  template <class T>
  void field(std::string_view section, std::string_view name, const T& expected, const T& actual) {
    add(section, std::string(name), expected, actual);
  }
  template <class T, size_t kCount>
  void field(std::string_view section, std::string_view name, const std::array<T, kCount>& expected,
             const std::array<T, kCount>& actual) {
    const bool is_registers = section == "hart" && name == "x";
    for (size_t i = 0; i < kCount; ++i) {
      std::string element = fmt::format("{}[{}]", name, i);
      if (is_registers) element += fmt::format(" ({})", isa::register_name(static_cast<u32>(i)));
      // Of a cache only what is wrong is worth a line.
      if (!is_registers && expected[i] == actual[i] && name.starts_with("tlb_")) continue;
      add(section, std::move(element), expected[i], actual[i]);
    }
  }

  bool differs() const { return differs_; }
  std::string text() const { return text_; }

 private:
  template <class T>
  void add(std::string_view section, std::string name, T expected, T actual) {
    const bool differs = expected != actual && !is_the_hosts(section, name);
    differs_ = differs_ || differs;
    if (!differs && expected == 0 && actual == 0) return;
    text_ += fmt::format("  {} {:28} {:#018x}  {:#018x}\n", differs ? "!=" : "  ",
                         fmt::format("{}.{}", section, name), expected, actual);
  }

  bool differs_ = false;
  std::string text_;
};

template <class U>
void write_states(StateWriter& out, const isa::State<U>& expected, const isa::State<U>& actual){
#define SECTION(instance, Type)          \
  {                                      \
    const auto& one = expected.instance; \
    const auto& other = actual.instance; \
    const std::string_view section_name = #instance;
#define FIELD(type, name, count) out.field(section_name, #name, one.name, other.name);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
}

std::string states_text(const MachineState& expected, const MachineState& actual, bool& differs) {
  StateWriter out;
  std::visit(
      [&](const auto& one) {
        using S = std::decay_t<decltype(one)>;
        if (const auto* other = std::get_if<S>(&actual)) write_states(out, one, *other);
      },
      expected);
  differs = out.differs();
  return out.text();
}

// --- The instruction ---

u64 pc_of(const MachineState& state) {
  return std::visit([](const auto& s) { return u64{s.hart.pc}; }, state);
}
u64 icount_of(const MachineState& state) {
  return std::visit([](const auto& s) { return s.hart.icount; }, state);
}

// Where the instruction at `va` lies. `after` is the state once it was executed: with translation
// on, its TLB knows the page.
std::optional<u64> fetch_pa(const MachineState& before, const MachineState& after, u64 va) {
  return std::visit(
      [&](const auto& s) -> std::optional<u64> {
        for (u32 i = 0; i < isa::TLB_ENTRIES; ++i) {
          if (s.hart.tlb_tag[i] != 0 && (u64{s.hart.tlb_tag[i]} & ~u64{isa::PAGE_BYTES - 1}) ==
                                            (va & ~u64{isa::PAGE_BYTES - 1})) {
            return u64{s.hart.tlb_page[i]} | (va & (isa::PAGE_BYTES - 1));
          }
        }
        const bool translated = std::visit(
            [](const auto& b) { return b.hart.satp != 0 && b.hart.privilege != 3; }, before);
        if (translated) return std::nullopt;
        return va;
      },
      after);
}

std::string instruction_text(const WholeMachine& before, const MachineState& after) {
  const u64 pc = pc_of(before.state);
  const std::optional<u64> pa = fetch_pa(before.state, after, pc);
  if (!pa || *pa < isa::RAM_BASE || *pa + 4 > isa::RAM_BASE + before.ram.size())
    return "(not fetched)";
  u32 word;
  std::memcpy(&word, before.ram.data() + (*pa - isa::RAM_BASE), sizeof word);
  return fmt::format("0x{:08x}  {}", word, isa::disassemble(isa::xlen_of(before.state), pc, word));
}

std::string ram_text(const std::vector<u8>& expected, const std::vector<u8>& actual) {
  std::string text;
  u32 words = 0;
  for (u64 at = 0; at + 4 <= std::min(expected.size(), actual.size()); at += 4) {
    if (at % isa::PAGE_BYTES == 0 &&
        std::memcmp(expected.data() + at, actual.data() + at, isa::PAGE_BYTES) == 0) {
      at += isa::PAGE_BYTES - 4;
      continue;
    }
    u32 one;
    u32 other;
    std::memcpy(&one, expected.data() + at, 4);
    std::memcpy(&other, actual.data() + at, 4);
    if (one == other) continue;
    if (++words <= kMaxWordsShown)
      text += fmt::format("  != RAM 0x{:08x}               {:#018x}  {:#018x}\n",
                          isa::RAM_BASE + at, one, other);
  }
  if (words > kMaxWordsShown)
    text += fmt::format("     and {} more words of RAM\n", words - kMaxWordsShown);
  return text;
}

// --- Side by side ---

std::string exit_text(const std::optional<Exit>& exit) {
  if (!exit) return "none";
  return fmt::format("{} (0x{:x}, 0x{:x})", exit->reason, exit->arg0, exit->arg1);
}

bool same_exit(const std::optional<Exit>& one, const std::optional<Exit>& other) {
  if (!one || !other) return !one && !other;
  return one->reason == other->reason && one->arg0 == other->arg0 && one->arg1 == other->arg1;
}

class Pair {
 public:
  Pair(Engine& expected, Engine& actual, u32 vm) : expected_(expected), actual_(actual), vm_(vm) {}

  Result<void> put(const WholeMachine& machine) {
    if (Result<void> ok = put_machine(expected_, 0, machine); !ok) return ok;
    return put_machine(actual_, vm_, machine);
  }

  // Both to step `target` or their exits. Empty: they are equal there.
  Result<std::string> advance(u64 target) {
    Result<Stop> one = run_until(expected_, 0, target);
    if (!one) return std::unexpected(std::move(one.error()).during("running the expected machine"));
    Result<Stop> other = run_until(actual_, vm_, target);
    if (!other)
      return std::unexpected(std::move(other.error()).during("running the machine under test"));
    console += one->console;
    exit = one->exit;
    if (one->console != other->console) {
      return fmt::format("They printed different things: \"{}\" and \"{}\".", one->console,
                         other->console);
    }
    if (!same_exit(one->exit, other->exit)) {
      return fmt::format("Their exits differ: {} and {}.", exit_text(one->exit),
                         exit_text(other->exit));
    }
    Result<u64> hash = expected_.state_hash(0);
    if (!hash) return pass_on(hash);
    Result<u64> other_hash = actual_.state_hash(vm_);
    if (!other_hash) return pass_on(other_hash);
    if (*hash != *other_hash)
      return fmt::format("Their state hashes differ: {:016x} and {:016x}.", *hash, *other_hash);
    return std::string();
  }

  Result<WholeMachine> expected_machine() { return read_machine(expected_, 0); }
  Result<WholeMachine> actual_machine() { return read_machine(actual_, vm_); }

  std::string console;
  std::optional<Exit> exit;

 private:
  Engine& expected_;
  Engine& actual_;
  u32 vm_;
};

// The first step in (good's, bad] after which the machines differ, starting from `good`, where they
// do not; `good` becomes the machine before it. 0: they do not differ when started there.
Result<u64> first_difference(Pair& pair, WholeMachine& good, u64 bad) {
  u64 from = icount_of(good.state);
  while (true) {
    if (Result<void> ok = pair.put(good); !ok) return pass_on(ok);
    const u64 part = std::max<u64>(1, (bad - from + kParts - 1) / kParts);
    bool found = false;
    for (u64 at = from; at < bad && !found;) {
      const u64 next = std::min(at + part, bad);
      Result<std::string> difference = pair.advance(next);
      if (!difference) return pass_on(difference);
      if (!difference->empty()) {
        found = true;
        bad = next;
      } else {
        Result<WholeMachine> machine = pair.expected_machine();
        if (!machine) return pass_on(machine);
        good = std::move(*machine);
        from = at = next;
        if (pair.exit) break;
      }
    }
    if (!found) return 0;
    if (bad - from <= 1) return bad;
  }
}

std::string describe(Pair& pair, WholeMachine good, const WholeMachine& start, u64 bad,
                     const std::string& what) {
  const u64 last_good = icount_of(good.state);
  std::string text = fmt::format("The engines differ at step {} and were equal at step {}. {}\n",
                                 bad, last_good, what);
  Result<u64> found = first_difference(pair, good, bad);
  if (found && *found == 0) {
    text += "A machine put there at that step shows no difference: narrowing from the start.\n";
    good = start;
    found = first_difference(pair, good, bad);
  }
  if (!found) return text + found.error().text();
  if (*found == 0) return text + "It did not happen again.";
  // Once more, over the one instruction.
  if (Result<void> ok = pair.put(good); !ok) return text + ok.error().text();
  const Result<std::string> difference = pair.advance(*found);
  const Result<WholeMachine> one = pair.expected_machine();
  const Result<WholeMachine> other = pair.actual_machine();
  if (!difference || !one || !other) return text + "The states could not be read.";
  bool states_differ = false;
  const std::string states = states_text(one->state, other->state, states_differ);
  text +=
      fmt::format("The first difference is made by step {}, the instruction at pc 0x{:x}: {}\n{}\n",
                  *found, pc_of(good.state), instruction_text(good, one->state), *difference);
  text += fmt::format("     {:28} {:18}  {}\n", "after it", "expected", "actual") + states +
          ram_text(one->ram, other->ram);
  bool ignored = false;
  text += "Before it:\n" + states_text(good.state, good.state, ignored);
  return text;
}

}  // namespace

WholeMachine machine_of(const BootImage& image) {
  WholeMachine machine{initial_state(image), std::vector<u8>(image.ram_bytes)};
  for (const BootPiece& piece : image.pieces) {
    std::copy(piece.bytes.begin(), piece.bytes.end(),
              machine.ram.begin() + (piece.pa - isa::RAM_BASE));
  }
  return machine;
}

Result<WholeMachine> read_machine(Engine& engine, u32 vm) {
  Result<MachineState> state = engine.read_state(vm);
  if (!state) return pass_on(state);
  WholeMachine machine{std::move(*state), std::vector<u8>(engine.config().ram_bytes)};
  if (Result<void> ok = engine.read_ram(vm, isa::RAM_BASE, machine.ram); !ok) return pass_on(ok);
  return machine;
}

Result<void> put_machine(Engine& engine, u32 vm, const WholeMachine& machine) {
  std::vector<u8> there(machine.ram.size());
  if (Result<void> ok = engine.read_ram(vm, isa::RAM_BASE, there); !ok) return ok;
  for (u64 at = 0; at < there.size(); at += isa::PAGE_BYTES) {
    if (std::memcmp(there.data() + at, machine.ram.data() + at, isa::PAGE_BYTES) == 0) continue;
    const std::span<const u8> page = std::span(machine.ram).subspan(at, isa::PAGE_BYTES);
    if (Result<void> ok = engine.write_ram(vm, static_cast<u32>(isa::RAM_BASE + at), page); !ok)
      return ok;
  }
  (void)engine.take_console(vm);
  return engine.write_state(vm, machine.state);
}

Result<u64> icount(Engine& engine, u32 vm) {
  Result<MachineState> state = engine.read_state(vm);
  if (!state) return pass_on(state);
  return icount_of(*state);
}

Result<Stop> run_until(Engine& engine, u32 vm, u64 target) {
  Stop stop;
  u32 idle_runs = 0;  // a run that only served a full console or pool makes no step
  while (true) {
    Result<u64> now = icount(engine, vm);
    if (!now) return pass_on(now);
    if (*now >= target) return stop;
    Result<RunReport> report = engine.run(target - *now);
    if (!report) return pass_on(report);
    stop.console += engine.take_console(vm);
    for (const Exit& exit : report->exits) {
      if (exit.vm == vm) stop.exit = exit;
    }
    if (stop.exit) return stop;
    idle_runs = report->steps == 0 ? idle_runs + 1 : 0;
    if (idle_runs > 3) {
      return fail(ErrorKind::internal,
                  "Machine {} of the {} engine does not run and did not exit at step {}.", vm,
                  engine.name(), *now);
    }
  }
}

Comparison compare_engines(Engine& expected, Engine& actual, const CompareOptions& options) {
  Comparison result;
  Pair pair(expected, actual, options.vm);
  Result<WholeMachine> start = pair.expected_machine();
  if (!start) return result.difference = start.error().text(), result;
  const u64 first = icount_of(start->state);
  WholeMachine good = *start;
  while (result.steps < options.max_steps && !pair.exit) {
    const u64 target = first + std::min(result.steps + options.stride, options.max_steps);
    Result<std::string> difference = pair.advance(target);
    result.console = pair.console;
    if (!difference) return result.difference = difference.error().text(), result;
    if (!difference->empty()) {
      const std::optional<Exit> exit = pair.exit;
      result.difference = describe(pair, std::move(good), *start, target, *difference);
      result.exit = exit;
      return result;
    }
    Result<WholeMachine> now = pair.expected_machine();
    if (!now) return result.difference = now.error().text(), result;
    good = std::move(*now);
    result.steps = icount_of(good.state) - first;
    if (options.until && options.until(pair.console)) break;
  }
  result.exit = pair.exit;
  return result;
}

std::string compare_states(const MachineState& expected, const MachineState& actual) {
  bool differs = false;
  std::string text = states_text(expected, actual, differs);
  return differs ? text : std::string();
}

}  // namespace rookery::test
