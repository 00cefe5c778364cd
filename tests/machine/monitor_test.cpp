// SPDX-License-Identifier: Apache-2.0
// The monitor's protocol over a machine on the CPU engine: what its commands do, and that nothing a
// client sends does anything else.
#include "debug/monitor.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "machine/trial.h"

namespace rookery::test {
namespace {

using debug::Monitor;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

// A machine that runs for ever, and its monitor.
class MonitorOf {
 public:
  explicit MonitorOf(Program program) {
    trial.program = std::move(program);
    trial.options.max_instructions = ~u64{0};
    EXPECT_TRUE(trial.start());
    monitor = std::make_unique<Monitor>(*trial.machine, "1.2.3",
                                        [this](const std::string& path) -> Result<u64> {
                                          if (path == "bad")
                                            return fail(ErrorKind::io, "Cannot write \"bad\".");
                                          stored.push_back(path);
                                          return trial.machine->snapshot()->now->bytes.size();
                                        });
    (void)monitor->greet();
  }

  // The answers to some lines.
  std::string say(std::string_view lines) { return monitor->receive(lines); }

  // The answer to one command.
  Json ask(const std::string& command, const Json& arguments = Json::object()) {
    return Json::parse(say(Json{{"execute", command}, {"arguments", arguments}}.dump() + "\n"));
  }

  // Turns until the monitor has something to say.
  Json wait() {
    for (int turn = 0; turn < 10'000; ++turn) {
      const auto end = machine().turn();
      EXPECT_TRUE(end && !*end);
      if (const std::string line = monitor->poll(); !line.empty()) return Json::parse(line);
    }
    return {};
  }

  Machine& machine() { return *trial.machine; }

  Trial trial;
  std::vector<std::string> stored;
  std::unique_ptr<Monitor> monitor;
};

Program loop() {
  Program program;
  program(kLoopForever);
  return program;
}

std::string error_class(const Json& answer) {
  return answer.value("/error/class"_json_pointer, std::string("none"));
}

TEST(Monitor, Greets) {
  MonitorOf run(loop());
  const std::string greeting = run.monitor->greet();
  EXPECT_EQ(greeting.back(), '\n');
  const Json json = Json::parse(greeting);
  EXPECT_EQ(json["rookery"]["version"], "1.2.3");
  EXPECT_EQ(json["rookery"]["protocol"], 1);
  EXPECT_THAT(json["rookery"]["commands"].get<std::vector<std::string>>(),
              testing::UnorderedElementsAre("status", "pause", "resume", "step", "memory",
                                            "registers", "stats", "snapshot", "quit"));
}

TEST(Monitor, StoresSnapshots) {
  MonitorOf run(loop());
  ASSERT_TRUE(run.machine().turn());
  const u64 instructions = run.machine().instructions();
  const Json answer = run.ask("snapshot", {{"path", "some/file.rook"}});
  EXPECT_EQ(answer["return"]["instructions"], instructions);
  EXPECT_EQ(answer["return"]["bytes"], 4096);
  EXPECT_THAT(run.stored, testing::ElementsAre("some/file.rook"));
  EXPECT_FALSE(run.machine().is_paused());

  const Json failed = run.ask("snapshot", {{"path", "bad"}});
  EXPECT_EQ(error_class(failed), "SnapshotError");
  EXPECT_EQ(failed["error"]["desc"], "Cannot write \"bad\".");
  for (const Json& wrong : {Json::object(), Json{{"path", ""}}, Json{{"path", 7}},
                            Json{{"path", std::string("a\0b", 3)}}})
    EXPECT_EQ(error_class(run.ask("snapshot", wrong)), "BadArgument") << wrong;
  EXPECT_EQ(run.stored.size(), 1u);
  const auto end = run.machine().turn();
  EXPECT_TRUE(end && !*end);
}

TEST(Monitor, PausesStepsAndResumes) {
  MonitorOf run(loop());
  EXPECT_EQ(run.ask("status")["return"]["state"], "running");
  EXPECT_FALSE(run.machine().turn()->has_value());
  EXPECT_EQ(run.ask("pause")["return"]["state"], "paused");
  const u64 before = run.machine().instructions();
  EXPECT_EQ(
      run.say("{\"execute\": \"step\", \"arguments\": {\"instructions\": 12345}, \"id\": 7}\n"),
      "");
  EXPECT_TRUE(run.monitor->is_stepping());
  EXPECT_EQ(run.ask("status")["return"]["state"], "stepping");
  EXPECT_EQ(error_class(run.ask("resume")), "BadState");
  EXPECT_EQ(error_class(run.ask("step")), "BadState");
  const Json stepped = run.wait();
  EXPECT_EQ(stepped["id"], 7);
  EXPECT_EQ(stepped["return"]["steps"], 12345);
  EXPECT_EQ(stepped["return"]["instructions"], before + 12345);
  EXPECT_EQ(run.say("{\"execute\": \"step\"}\n"), "");  // one
  EXPECT_EQ(run.wait()["return"]["instructions"], before + 12346);
  EXPECT_EQ(run.ask("resume")["return"]["state"], "running");
  EXPECT_FALSE(run.machine().turn()->has_value());
  EXPECT_GT(run.machine().instructions(), before + 12346);
  EXPECT_EQ(error_class(run.ask("step")), "BadState");
}

TEST(Monitor, APauseCutsAStepShort) {
  MonitorOf run(loop());
  run.ask("pause");
  run.say("{\"execute\": \"step\", \"arguments\": {\"instructions\": 1000000000000}}\n");
  EXPECT_FALSE(run.machine().turn()->has_value());
  EXPECT_EQ(run.ask("pause")["return"]["state"], "paused");
  const Json stepped = Json::parse(run.monitor->poll());
  EXPECT_EQ(stepped["return"]["steps"], run.machine().instructions());
  EXPECT_LT(run.machine().instructions(), 1'000'000'000'000u);
}

TEST(Monitor, ShowsRegistersAndMemory) {
  Program program;
  program.load_constant(s0, 0x12345678).load_constant(t0, 0x305);
  program.load_constant(t1, 0x80001000)(csrw(0x305, t1))(kLoopForever);  // mtvec
  MonitorOf run(program);
  EXPECT_FALSE(run.machine().turn()->has_value());
  const Json registers = run.ask("registers")["return"];
  EXPECT_EQ(registers["xlen"], 32);
  EXPECT_EQ(registers["pc"], "0x8000001c");
  EXPECT_EQ(registers["x"].size(), 32u);
  EXPECT_EQ(registers["x"]["s0"], "0x12345678");
  EXPECT_EQ(registers["x"]["zero"], "0x0");
  EXPECT_EQ(registers["hart"]["mtvec"], "0x80001000");
  EXPECT_EQ(registers["hart"]["privilege"], "0x3");
  EXPECT_FALSE(registers["hart"].contains("tlb_tag"));

  for (const Json& pa : {Json(0x8000001c), Json("0x8000001c")}) {
    const Json memory = run.ask("memory", {{"pa", pa}, {"bytes", 5}})["return"];
    EXPECT_EQ(memory["hex"], "6f00000000");
    EXPECT_EQ(memory["pa"], "0x8000001c");
  }
  const Json stats = run.ask("stats")["return"];
  EXPECT_EQ(stats["instructions"], run.machine().instructions());
  EXPECT_EQ(stats["engine"], "CPU");
}

TEST(Monitor, RefusesMemoryThatIsNotThere) {
  MonitorOf run(loop());
  const Json cases[] = {
      {{"bytes", 4}},
      {{"pa", 0x80000000}},
      {{"pa", -1}, {"bytes", 4}},
      {{"pa", 1.5}, {"bytes", 4}},
      {{"pa", "0x"}, {"bytes", 4}},
      {{"pa", "0x12345678123456781"}, {"bytes", 4}},
      {{"pa", "80000000"}, {"bytes", 4}},
      {{"pa", u64{1} << 32}, {"bytes", 4}},
      {{"pa", 0x80000000}, {"bytes", 0}},
      {{"pa", 0x80000000}, {"bytes", Monitor::kMaxMemoryBytes + 1}},
      {{"pa", 0x1000}, {"bytes", 4}},
      {{"pa", 0x800fffff}, {"bytes", 2}},
      {{"pa", 0xffffffff}, {"bytes", 65536}},
      {{"pa", nullptr}, {"bytes", Json::array()}},
  };
  for (const Json& arguments : cases) {
    EXPECT_EQ(error_class(run.ask("memory", arguments)), "BadArgument") << arguments;
  }
  EXPECT_THAT(run.ask("memory", {{"pa", 0x1000}, {"bytes", 4}})["error"]["desc"],
              HasSubstr("4 bytes at 0x00001000 are not inside RAM"));
}

TEST(Monitor, QuitsAndSaysSo) {
  MonitorOf run(loop());
  run.ask("pause");
  run.say(
      "{\"execute\": \"step\", \"arguments\": {\"instructions\": 1000000000000}, \"id\": \"s\"}\n");
  EXPECT_FALSE(run.machine().turn()->has_value());
  EXPECT_EQ(run.ask("quit")["return"], Json::object());
  const auto end = run.machine().run();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, EndReason::stopped);
  const std::string lines = run.monitor->farewell(*end);
  EXPECT_THAT(lines, HasSubstr("\"class\":\"RunEnded\""));
  EXPECT_THAT(lines,
              HasSubstr("\"id\":\"s\"}\n{\"event\":\"END\",\"data\":{\"reason\":\"stopped\""));
}

TEST(Monitor, AnswersWhatIsNoRequest) {
  struct Case {
    std::string line;
    const char* error_class;
    const char* sentence;
  };
  const Case cases[] = {
      {"hello", "BadRequest", "no JSON object"},
      {"{", "BadRequest", "no JSON object"},
      {"[]", "BadRequest", "no JSON object"},
      {"42", "BadRequest", "no JSON object"},
      {"\xff\xfe\x80", "BadRequest", "no JSON object"},
      {std::string("\0\0", 2), "BadRequest", "no JSON object"},
      {std::string(60'000, '['), "BadRequest", "no JSON object"},
      {"{}", "BadRequest", "has no \"execute\""},
      {"{\"execute\": 5}", "BadRequest", "has no \"execute\""},
      {"{\"execute\": \"status\", \"arguments\": 1}", "BadRequest", "to be a JSON object"},
      {"{\"execute\": \"status\", \"id\": {}}", "BadRequest", "text or a number"},
      {"{\"execute\": \"status\", \"id\": " + std::string(20'000, '[') + std::string(20'000, ']') +
           "}",
       "BadRequest", "text or a number"},
      {"{\"execute\": \"explode\"}", "UnknownCommand", "There is no command \"explode\"."},
      {"{\"execute\": \"" + std::string(50'000, 'x') + "\"}", "UnknownCommand", "xxx...\"."},
      {"{\"execute\": \"\\u0000\\n\\\"\"}", "UnknownCommand", "There is no command"},
      {std::string(Monitor::kMaxLineBytes + 1, 'x'), "BadRequest", "longer than 65536 bytes"},
      {"{\"execute\": \"step\", \"arguments\": {\"instructions\": 1}}", "BadState", "not paused"},
  };
  MonitorOf run(loop());
  for (const Case& one : cases) {
    const std::string answers = run.say(one.line + "\n");
    EXPECT_EQ(std::count(answers.begin(), answers.end(), '\n'), 1) << one.line.substr(0, 50);
    const Json answer = Json::parse(answers);
    EXPECT_EQ(error_class(answer), one.error_class) << one.line.substr(0, 50);
    EXPECT_THAT(answer["error"]["desc"], HasSubstr(one.sentence));
    EXPECT_LT(answers.size(), 300u);
  }
  run.ask("pause");
  for (const Json& steps :
       {Json(0), Json(-5), Json("many"), Json(~u64{0}), Json(1.5), Json(nullptr)})
    EXPECT_EQ(error_class(run.ask("step", {{"instructions", steps}})), "BadArgument") << steps;
  EXPECT_EQ(run.ask("status")["return"]["instructions"], 0u);
}

TEST(Monitor, EchoesTheId) {
  MonitorOf run(loop());
  for (const char* id : {"1", "-1", "1.5", "\"text\"", "true", "null"}) {
    const Json answer =
        Json::parse(run.say(fmt::format("{{\"execute\": \"status\", \"id\": {}}}\n", id)));
    EXPECT_EQ(answer["id"], Json::parse(id));
  }
  EXPECT_FALSE(run.ask("status").contains("id"));
  EXPECT_EQ(Json::parse(run.say("{\"id\": 3}\n"))["id"], 3);
}

TEST(Monitor, TakesLinesInPieces) {
  MonitorOf run(loop());
  std::string answers;
  for (const char byte :
       std::string("{\"execute\": \"status\"}\r\n\n  \n{\"execute\": \"pause\"}\n{\"exe"))
    answers += run.say({&byte, 1});
  EXPECT_EQ(std::count(answers.begin(), answers.end(), '\n'), 2);
  EXPECT_TRUE(run.machine().is_paused());
  (void)run.monitor->greet();  // another client: the piece of a line is gone
  EXPECT_THAT(run.say("{\"execute\": \"status\"}\n"), StartsWith("{\"return\":"));
}

TEST(Monitor, AfterALineThatIsTooLongComesTheNext) {
  MonitorOf run(loop());
  EXPECT_THAT(run.say(std::string(Monitor::kMaxLineBytes + 1, ' ')), HasSubstr("longer than"));
  for (int piece = 0; piece < 100; ++piece) EXPECT_EQ(run.say(std::string(4096, 'x')), "");
  EXPECT_THAT(run.say("end\n{\"execute\": \"status\"}\n"), StartsWith("{\"return\":"));
}

// Nothing comes out but lines of JSON, whatever goes in.
TEST(Monitor, SurvivesNoise) {
  std::mt19937 random(1);
  MonitorOf run(loop());
  const std::string seeds[] = {
      "{\"execute\": \"status\", \"id\": 1}\n",
      "{\"execute\": \"memory\", \"arguments\": {\"pa\": \"0x80000000\", \"bytes\": 16}}\n",
      "{\"execute\": \"registers\"}\n",
  };
  for (int round = 0; round < 3000; ++round) {
    std::string line = seeds[random() % std::size(seeds)];
    for (u32 change = random() % 6; change > 0; --change)
      line[random() % line.size()] = static_cast<char>(random());
    std::string answers = run.say(line);
    while (!answers.empty()) {
      const std::size_t newline = answers.find('\n');
      ASSERT_NE(newline, std::string::npos);
      ASSERT_TRUE(Json::parse(answers.substr(0, newline), nullptr, false).is_object());
      answers.erase(0, newline + 1);
    }
  }
}

}  // namespace
}  // namespace rookery::test
