// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/machine_probe.h"

namespace rookery::cpu {

// Of machine_probe_32.cpp and machine_probe_64.cpp.
std::unique_ptr<MachineProbe> make_machine_probe_32(const isa::State<u32>& state,
                                                    ProbeMemory& memory);
std::unique_ptr<MachineProbe> make_machine_probe_64(const isa::State<u64>& state,
                                                    ProbeMemory& memory);

std::unique_ptr<MachineProbe> make_machine_probe(const isa::MachineState& state,
                                                 ProbeMemory& memory) {
  if (const auto* narrow = std::get_if<isa::State<u32>>(&state)) {
    return make_machine_probe_32(*narrow, memory);
  }
  return make_machine_probe_64(std::get<isa::State<u64>>(state), memory);
}

}  // namespace rookery::cpu
