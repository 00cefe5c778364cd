// SPDX-License-Identifier: Apache-2.0
// What the MMU costs a whole system: the same user program, doing the same work, under the Sv32 and
// under the NOMMU image. Both are booted once, on the CPU engine, to where the program begins; from
// that state each engine runs the program's tasks, one after the other, and the time for each is
// what counts: the images need different numbers of instructions for the same work.
//
// How to add a task: a row in kTasks of linux_tasks.cpp.
#pragma once

#include <string>
#include <vector>

#include "bench/measure.h"
#include "machine/image_description.h"

namespace rookery::bench {

struct TaskTime {
  u64 instructions = 0;  // of one machine
  double seconds = 0;    // for all machines
};

// One task on one engine.
struct TaskRow {
  std::string task;
  bool on_gpu = false;
  u32 machines = 1;
  TaskTime sv32;
  TaskTime nommu;
  // How many times longer the same work takes with Sv32.
  double cost() const { return sv32.seconds / nommu.seconds; }
};

// A machine at a task's beginning, and what its tasks are.
struct LinuxTasks {
  BootImage image;            // its pieces hold all of RAM that is not zero
  MachineState state;         // in place of the image's first one
  u64 pages_per_machine = 0;  // that the tasks store to
  struct Task {
    std::string name;
    u64 steps = 0;
    u64 end_hash = 0;  // of the machine's state on the CPU engine
  };
  std::vector<Task> tasks;  // the first is a warm-up, without a name
};

// Boots the image on the CPU engine and runs the tasks there once.
Result<LinuxTasks> plan_linux_tasks(const ImageDescription& description);

// Runs the tasks on `machines` machines, which all do the same, and checks the outcome of each
// against the CPU engine's. Gives the times of those that have a name. out_of_memory: that many
// machines do not fit.
Result<std::vector<TaskTime>> measure_linux_tasks(const MakeEngine& make, const LinuxTasks& plan,
                                                  u32 machines, const MeasureOptions& options);

// One machine on the CPU engine: the fastest of several runs of both, by turns.
Result<std::vector<TaskRow>> compare_linux_tasks_on_cpu(const LinuxTasks& sv32,
                                                        const LinuxTasks& nommu,
                                                        const MeasureOptions& options);

// On the GPU: the fastest of three runs, of one where it is emulated (options.slow).
Result<std::vector<TaskRow>> compare_linux_tasks_on_gpu(const MakeEngine& make,
                                                        const LinuxTasks& sv32,
                                                        const LinuxTasks& nommu, u32 machines,
                                                        const MeasureOptions& options);

}  // namespace rookery::bench
