// SPDX-License-Identifier: Apache-2.0
// A trial of the run loop on the CPU engine: a tiny bare program, a host whose clock and keyboard
// are ours, and the machine.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/cpu/cpu_engine.h"
#include "machine/image_builder.h"
#include "machine/machine.h"

namespace rookery::test {

// --- An assembler as large as these tests need ---

enum Register : u32 { zero = 0, t0 = 5, t1 = 6, t2 = 7, s0 = 8, s1 = 9 };

inline constexpr u32 kTohost = 0x80001000;
inline constexpr u32 kFromhost = 0x80001040;
inline constexpr u32 kUart = 0x10000000;
inline constexpr u32 kTest = 0x00100000;
inline constexpr u32 kClint = 0x02000000;

inline u32 addi(u32 rd, u32 rs1, i32 immediate) {
  return (static_cast<u32>(immediate) << 20) | (rs1 << 15) | (rd << 7) | 0x13;
}
inline u32 lui(u32 rd, u32 upper) { return (upper << 12) | (rd << 7) | 0x37; }
inline u32 store(u32 funct3, u32 rs2, u32 rs1, u32 offset) {
  return ((offset >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | ((offset & 31) << 7) |
         0x23;
}
inline u32 sb(u32 rs2, u32 rs1, u32 offset) { return store(0, rs2, rs1, offset); }
inline u32 sw(u32 rs2, u32 rs1, u32 offset) { return store(2, rs2, rs1, offset); }
inline u32 load(u32 funct3, u32 rd, u32 rs1, u32 offset) {
  return (offset << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | 0x03;
}
inline u32 lbu(u32 rd, u32 rs1, u32 offset) { return load(4, rd, rs1, offset); }
inline u32 lw(u32 rd, u32 rs1, u32 offset) { return load(2, rd, rs1, offset); }
inline u32 branch(u32 funct3, u32 rs1, u32 rs2, i32 offset) {
  const u32 o = static_cast<u32>(offset);
  return ((o >> 12 & 1) << 31) | ((o >> 5 & 63) << 25) | (rs2 << 20) | (rs1 << 15) |
         (funct3 << 12) | ((o >> 1 & 15) << 8) | ((o >> 11 & 1) << 7) | 0x63;
}
inline u32 beq(u32 rs1, u32 rs2, i32 offset) { return branch(0, rs1, rs2, offset); }
inline u32 bne(u32 rs1, u32 rs2, i32 offset) { return branch(1, rs1, rs2, offset); }
inline u32 csrw(u32 csr, u32 rs1) { return (csr << 20) | (rs1 << 15) | (1 << 12) | 0x73; }
inline constexpr u32 kWfi = 0x10500073;
inline constexpr u32 kLoopForever = 0x0000006f;
inline constexpr u32 kMie = 0x304;

class Program {
 public:
  Program& operator()(u32 word) {
    words_.push_back(word);
    return *this;
  }
  Program& load_constant(u32 rd, u32 value) {
    (*this)(lui(rd, (value + 0x800) >> 12));
    return (*this)(addi(rd, rd, static_cast<i32>(value << 20) >> 20));
  }
  Program& print(char c) {
    return load_constant(t0, kUart).load_constant(t1, static_cast<u32>(c))(sb(t1, t0, 0));
  }
  Program& to_host(u32 message) {
    return load_constant(t0, kTohost).load_constant(t1, message)(sw(t1, t0, 0));
  }
  Program& end(u32 status) { return to_host((status << 1) | 1)(kLoopForever); }
  Program& write_word(u32 pa, u32 value) {
    return load_constant(t0, pa).load_constant(t1, value)(sw(t1, t0, 0));
  }

  i32 bytes() const { return static_cast<i32>(words_.size() * 4); }
  std::vector<u8> elf() const {
    std::vector<u8> code;
    for (const u32 word : words_) put(code, code.size(), word);
    return make_elf32(0x80000000, {{0x80000000, 0x80000000, code, 0x2000}},
                      {{"tohost", kTohost}, {"fromhost", kFromhost}});
  }

 private:
  std::vector<u32> words_;
};

// Sets mtimecmp to `ticks`, waits for it, ends.
inline Program timer_program(u32 ticks) {
  Program program;
  program.write_word(kClint + 0x4000, ticks).write_word(kClint + 0x4004, 0);
  program.load_constant(t0, 0x80)(csrw(kMie, t0))(kWfi).end(0);
  return program;
}

// Turns the UART's receive interrupt on, prints a prompt, echoes what is typed; ends at Ctrl-D.
inline Program echo_program(const std::string& prompt) {
  Program program;
  program.load_constant(t0, kUart);
  program(addi(t1, zero, 1))(sb(t1, t0, 2));  // FCR: FIFOs on
  program(sb(t1, t0, 1));                     // IER: receive
  program.write_word(0x0c000000 + 4 * 10, 1)
      .write_word(0x0c002000, 1u << 10);  // PLIC: source 10, machine mode
  program.load_constant(t0, 0x800)(csrw(kMie, t0)).load_constant(s1, 4);  // MEIE
  for (const char c : prompt) program.print(c);
  program.load_constant(t0, kUart);
  program(kWfi);
  const i32 poll = program.bytes();
  program(lbu(t1, t0, 5))((1u << 20) | (t1 << 15) | (7u << 12) | (t1 << 7) | 0x13);  // LSR & 1
  program(beq(t1, zero, poll - 4 - program.bytes()));  // nothing: wfi again
  program(lbu(t1, t0, 0))(beq(t1, s1, 12))(sb(t1, t0, 0));
  const i32 back = poll - program.bytes();
  program(beq(zero, zero, back));
  return program.end(0);
}

// As echo_program(), while a timer of `ticks` is set again whenever the guest wakes.
inline Program ticking_echo_program(u32 ticks) {
  Program program;
  program.load_constant(t0, kUart);
  program(addi(t1, zero, 1))(sb(t1, t0, 2))(sb(t1, t0, 1));
  program.write_word(0x0c000000 + 4 * 10, 1).write_word(0x0c002000, 1u << 10);
  program.load_constant(t0, 0x880)(csrw(kMie, t0)).load_constant(s1, 4);  // MEIE, MTIE
  program.load_constant(t0, kClint + 0x4000)(sw(zero, t0, 4));
  const i32 wait = program.bytes();
  program.load_constant(t0, kClint + 0xbff8)(lw(t1, t0, 0)).load_constant(t2, ticks);
  program((t2 << 20) | (t1 << 15) | (t1 << 7) | 0x33);  // add t1, t1, t2
  program.load_constant(t0, kClint + 0x4000)(sw(t1, t0, 0)).load_constant(t0, kUart)(kWfi);
  const i32 poll = program.bytes();
  program(lbu(t1, t0, 5))((1u << 20) | (t1 << 15) | (7u << 12) | (t1 << 7) | 0x13);  // LSR & 1
  program(beq(t1, zero, wait - program.bytes()));
  program(lbu(t1, t0, 0))(beq(t1, s1, 12))(sb(t1, t0, 0));
  program(beq(zero, zero, poll - program.bytes()));
  return program.end(0);
}

// --- A host that plays its part from a script ---

class ScriptedHost : public MachineHost {
 public:
  std::vector<TypedInput> typed;  // the first is given at the first read, and so on
  u64 slept_us = 0;
  u64 time_us = 0;
  std::string printed;
  std::vector<std::pair<u32, u64>> exits;  // reason, instructions
  bool stop = false;

  u64 now_us() override { return time_us += 10; }
  Result<void> print(std::string_view bytes) override {
    printed += bytes;
    return {};
  }
  Result<TypedInput> read_typed() override {
    if (typed.empty()) return TypedInput{{}, true};
    TypedInput next = typed.front();
    typed.erase(typed.begin());
    return next;
  }
  void sleep(u64 us) override {
    slept_us += us;
    time_us += us;
  }
  bool stop_requested() override { return stop; }
  void saw_exit(const Exit& exit, u64 instructions) override {
    exits.emplace_back(exit.reason, instructions);
  }
};

// What entered a machine, as a list.
class EventList final : public Journal {
 public:
  std::vector<OutsideEvent> events;
  Result<void> note(const OutsideEvent& event) override {
    events.push_back(event);
    return {};
  }
};

struct Trial {
  ScriptedHost host;
  MachineHost* custom_host = nullptr;  // instead of `host`
  RunOptions options;
  Program program;
  std::unique_ptr<Machine> machine;
  int engines_made = 0;

  Trial() { options.max_instructions = 10'000'000; }

  Result<RunEnd> run() {
    if (auto started = start(); !started) return std::unexpected(started.error());
    return machine->run();
  }

  // Makes the machine, for a test that turns it itself.
  Result<void> start() {
    MachineConfig config;
    config.bare_path = "test.elf";
    config.ram_bytes = 1 * kMiB;
    BootFiles files;
    files.bare = program.elf();
    auto image = plan_boot(config, std::move(files));
    if (!image) return std::unexpected(image.error());
    const auto make_engine = [&] {
      engines_made += 1;
      EngineConfig engine;
      engine.ram_bytes = 1 * kMiB;
      return create_cpu_engine(engine);
    };
    auto made = Machine::create(*std::move(image), make_engine, options,
                                custom_host != nullptr ? *custom_host : host);
    if (!made) return std::unexpected(made.error());
    machine = *std::move(made);
    return {};
  }
};

}  // namespace rookery::test
