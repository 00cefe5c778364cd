// SPDX-License-Identifier: Apache-2.0
// Forks machines from a snapshot that stands at a shell's prompt, and has each type a command of
// its own: colony booted.rook 1000
#include <cstdio>
#include <cstdlib>

#include "fleet/choose_engine.h"
#include "fleet/fleet.h"
#include "fleet/snapshot_file.h"

using namespace rookery;

// What a step gives, or the end of the program with a sentence.
template <class T>
T value(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "colony: %s\n", result.error().text().c_str());
  std::exit(1);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Snapshot booted = value(read_snapshot(argv[1]));
  EngineChoice engine = value(choose_engine({}));  // a GPU if there is one, else all cores
  FleetConfig config{.machines = static_cast<u32>(std::atoi(argv[2])), .texts = {"SQUARE"}};
  auto fleet = value(Fleet::fork(std::move(booted), engine.make_fleet, config));
  for (u32 vm = 0; vm < fleet->size(); ++vm) {
    value(fleet->type(vm, fmt::format("n={}; echo $((n*n)) is a SQ''UARE\n", vm)));
    value(fleet->stop_after(vm, 50'000'000));  // in case it never says so
  }
  while (fleet->running() != 0) {
    for (const FleetStop& stop : value(fleet->run()))
      fmt::print("machine {}, {} ({}): {}\n", stop.vm, stop_name(stop.reason), stop.instructions,
                 fleet->take_console(stop.vm));
  }
}
