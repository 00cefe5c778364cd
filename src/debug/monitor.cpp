// SPDX-License-Identifier: Apache-2.0
#include "debug/monitor.h"

#include <charconv>
#include <limits>
#include <type_traits>
#include <utility>

#include "isa/disassemble.h"

namespace rookery::debug {
namespace {

using Json = nlohmann::ordered_json;

constexpr u32 kProtocolVersion = 1;
constexpr std::size_t kMaxQuotedBytes = 40;
constexpr u64 kPhysicalEnd = u64{1} << 32;

// What is wrong with a request: QMP's class, and a sentence.
struct Complaint {
  std::string_view error_class;
  std::string sentence;
};
using Answer = std::expected<Json, Complaint>;

template <class... Args>
std::unexpected<Complaint> refuse(std::string_view error_class, fmt::format_string<Args...> format,
                                  Args&&... args) {
  return std::unexpected(Complaint{error_class, fmt::format(format, std::forward<Args>(args)...)});
}

std::unexpected<Complaint> failed(const Error& error) {
  return refuse("MachineError", "{}", error.text());
}

// A line. Text that is not UTF-8 is replaced: it may be a client's own.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json error_of(const Complaint& complaint) {
  return {{"error", {{"class", complaint.error_class}, {"desc", complaint.sentence}}}};
}

// A client's text as a sentence may quote it.
std::string quoted(const std::string& text) {
  return text.size() <= kMaxQuotedBytes ? text : text.substr(0, kMaxQuotedBytes) + "...";
}

std::string hex(u64 value) { return fmt::format("{:#x}", value); }

const char* state_name(const Machine& machine, bool is_stepping) {
  if (machine.is_paused()) return "paused";
  if (machine.is_asleep()) return "asleep";
  return is_stepping ? "stepping" : "running";
}

Json status_of(Machine& machine, bool is_stepping) {
  return {{"state", state_name(machine, is_stepping)},
          {"instructions", machine.instructions()},
          {"icount", machine.icount()},
          {"engine", machine.engine().name()}};
}

// The scalar fields of the hart's section of isa/state.def but pc.
template <class U>
Json hart_of(const isa::State<U>& state) {
  Json fields = Json::object();
  const auto add = [&](std::string_view section, std::string_view name, const auto& value) {
    if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(value)>>) {
      if (section == "hart" && name != "pc" && name != "reserved")
        fields[std::string(name)] = hex(value);
    }
  };
#define SECTION(instance, Type)                     \
  {                                                 \
    const auto& fields_of_section = state.instance; \
    constexpr std::string_view kSection = #instance;
#define FIELD(type, name, count) add(kSection, #name, fields_of_section.name);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return fields;
}

// An unsigned number, or one in hexadecimal as text: JSON has no other way to write an address.
std::optional<u64> number_of(const Json& value) {
  if (value.is_number_unsigned()) return value.get<u64>();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  if (!text.starts_with("0x")) return std::nullopt;
  u64 number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 2, end, number, 16);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

// --- The commands ---

// What a command works on.
struct Context {
  Machine& machine;
  const Json& arguments;  // an object
  const Monitor::StoreSnapshot& store_snapshot;
  bool is_stepping;
};

std::expected<u64, Complaint> number_argument(const Context& context, const char* name, u64 least,
                                              u64 most, std::optional<u64> otherwise = {}) {
  const auto given = context.arguments.find(name);
  if (given == context.arguments.end()) {
    if (otherwise) return *otherwise;
    return refuse("BadArgument", "The argument \"{}\" is missing.", name);
  }
  const std::optional<u64> number = number_of(*given);
  if (!number || *number < least || *number > most) {
    return refuse("BadArgument",
                  "The argument \"{}\" is to be a whole number from {} to {}, or text with one in "
                  "hexadecimal, such as \"0x80000000\".",
                  name, least, most);
  }
  return *number;
}

Answer status_command(const Context& context) {
  return status_of(context.machine, context.is_stepping);
}

Answer pause_command(const Context& context) {
  context.machine.pause();
  return status_of(context.machine, false);
}

Answer resume_command(const Context& context) {
  if (context.is_stepping)
    return refuse("BadState",
                  "The machine is making the steps that were asked for; pause it first.");
  context.machine.resume();
  return status_of(context.machine, false);
}

// Only checks and begins: the answer comes from Monitor::poll().
Answer step_command(const Context& context) {
  if (!context.machine.is_paused())
    return refuse("BadState", "The machine is not paused; pause it before stepping.");
  const auto steps =
      number_argument(context, "instructions", 1, std::numeric_limits<i64>::max(), 1);
  if (!steps) return std::unexpected(steps.error());
  context.machine.resume(*steps);
  return Json();
}

Answer registers_command(const Context& context) {
  const auto state = context.machine.engine().read_state(0);
  if (!state) return failed(state.error());
  return std::visit(
      [](const auto& s) {
        Json x = Json::object();
        for (u32 number = 0; number < s.hart.x.size(); ++number)
          x[std::string(isa::register_name(number))] = hex(s.hart.x[number]);
        return Json{{"xlen", sizeof(s.hart.pc) * 8},
                    {"pc", hex(s.hart.pc)},
                    {"x", std::move(x)},
                    {"hart", hart_of(s)}};
      },
      *state);
}

Answer memory_command(const Context& context) {
  const auto pa = number_argument(context, "pa", 0, kPhysicalEnd - 1);
  if (!pa) return std::unexpected(pa.error());
  const auto count = number_argument(context, "bytes", 1, Monitor::kMaxMemoryBytes);
  if (!count) return std::unexpected(count.error());
  std::vector<u8> bytes(*count);
  const auto done = context.machine.engine().read_ram(0, static_cast<u32>(*pa), bytes);
  if (!done && done.error().kind == ErrorKind::usage)
    return refuse("BadArgument", "{}", done.error().text());
  if (!done) return failed(done.error());
  std::string text;
  for (const u8 byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return Json{{"pa", hex(*pa)}, {"bytes", *count}, {"hex", std::move(text)}};
}

Answer stats_command(const Context& context) {
  const auto status = context.machine.status();
  if (!status) return failed(status.error());
  return Json{{"engine", status->engine},
              {"instructions", status->instructions},
              {"wall_seconds", static_cast<double>(status->wall_us) / 1e6},
              {"mips", status->mips},
              {"guest_seconds", static_cast<double>(status->guest_us) / 1e6},
              {"dirty_pages", status->dirty_pages},
              {"exits", status->exits}};
}

Answer snapshot_command(const Context& context) {
  const auto path = context.arguments.find("path");
  if (path == context.arguments.end() || !path->is_string() ||
      path->get_ref<const std::string&>().empty())
    return refuse("BadArgument", "\"path\" is to be the name of a file.");
  const std::string& name = path->get_ref<const std::string&>();
  if (name.find('\0') != std::string::npos)
    return refuse("BadArgument", "\"path\" has a zero byte, and no file's name has one.");
  const auto bytes = context.store_snapshot(name);
  if (!bytes) return refuse("SnapshotError", "{}", bytes.error().text());
  return Json{{"instructions", context.machine.instructions()}, {"bytes", *bytes}};
}

Answer quit_command(const Context& context) {
  context.machine.stop();
  return Json::object();
}

struct Command {
  std::string_view name;
  Answer (*function)(const Context&);
};
constexpr std::string_view kStep = "step";
constexpr Command kCommands[] = {
    {"status", status_command}, {"pause", pause_command},       {"resume", resume_command},
    {kStep, step_command},      {"memory", memory_command},     {"registers", registers_command},
    {"stats", stats_command},   {"snapshot", snapshot_command}, {"quit", quit_command},
};

}  // namespace

Monitor::Monitor(Machine& machine, std::string version, StoreSnapshot store_snapshot)
    : machine_(machine), version_(std::move(version)), store_snapshot_(std::move(store_snapshot)) {}

std::string Monitor::greet() {
  line_.clear();
  skips_line_ = false;
  step_.reset();
  Json commands = Json::array();
  for (const Command& command : kCommands) commands.push_back(command.name);
  return line_of(
      {{"rookery",
        {{"version", version_}, {"protocol", kProtocolVersion}, {"commands", commands}}}});
}

std::string Monitor::refusal() {
  return line_of(error_of({"Busy", "Another client is connected; come again when it has left."}));
}

std::string Monitor::farewell(const RunEnd& end) {
  std::string lines = poll();
  if (step_) {
    lines += answer_step(error_of(
        {"RunEnded", fmt::format("The run ended ({}) after {} of the steps.", end_name(end.reason),
                                 machine_.instructions() - step_->first)}));
  }
  return lines + line_of({{"event", "END"},
                          {"data",
                           {{"reason", end_name(end.reason)},
                            {"status", end.status},
                            {"failed", end.failed},
                            {"instructions", machine_.instructions()}}}});
}

std::string Monitor::receive(std::string_view bytes) {
  std::string answers;
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const bool ends = newline != std::string_view::npos;
    const std::string_view part = bytes.substr(0, newline);
    bytes.remove_prefix(ends ? newline + 1 : bytes.size());
    if (!skips_line_ && line_.size() + part.size() > kMaxLineBytes) {
      skips_line_ = true;
      line_.clear();
      answers += line_of(error_of(
          {"BadRequest", fmt::format("The line is longer than {} bytes.", kMaxLineBytes)}));
    }
    if (!skips_line_) line_ += part;
    if (!ends) break;
    if (!std::exchange(skips_line_, false)) answers += answer_line(std::exchange(line_, {}));
  }
  return answers;
}

std::string Monitor::answer_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  const Json request = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) {
    return line_of(
        error_of({"BadRequest", "The line is no JSON object such as {\"execute\": \"status\"}."}));
  }
  const auto id = request.find("id");
  const bool has_id = id != request.end();
  const auto with_id = [&](Json answer) {
    if (has_id) answer["id"] = *id;
    return line_of(answer);
  };
  if (has_id && id->is_structured()) {
    return line_of(error_of({"BadRequest", "The \"id\" is to be text or a number."}));
  }
  const auto execute = request.find("execute");
  if (execute == request.end() || !execute->is_string()) {
    return with_id(
        error_of({"BadRequest", "The request has no \"execute\" with a command's name."}));
  }
  const Json none = Json::object();
  const auto given = request.find("arguments");
  const Json& arguments = given == request.end() ? none : *given;
  if (!arguments.is_object()) {
    return with_id(error_of({"BadRequest", "The \"arguments\" are to be a JSON object."}));
  }
  const std::string& name = execute->get_ref<const std::string&>();
  for (const Command& command : kCommands) {
    if (command.name != name) continue;
    const u64 instructions = machine_.instructions();
    Answer answer = command.function({machine_, arguments, store_snapshot_, is_stepping()});
    if (!answer) return with_id(error_of(answer.error()));
    if (command.name == kStep) {
      step_ = Step{instructions, has_id ? std::optional(*id) : std::nullopt};
      return {};
    }
    return with_id({{"return", *std::move(answer)}});
  }
  return with_id(
      error_of({"UnknownCommand", fmt::format("There is no command \"{}\".", quoted(name))}));
}

std::string Monitor::poll() {
  if (!step_ || !machine_.is_paused()) return {};
  Json status = status_of(machine_, false);
  status["steps"] = machine_.instructions() - step_->first;
  return answer_step({{"return", std::move(status)}});
}

std::string Monitor::answer_step(Json answer) {
  const Step step = *std::exchange(step_, std::nullopt);
  if (step.id) answer["id"] = *step.id;
  return line_of(answer);
}

}  // namespace rookery::debug
