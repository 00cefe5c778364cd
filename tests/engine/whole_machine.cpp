// SPDX-License-Identifier: Apache-2.0
#include "engine/whole_machine.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rookery::test {

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
  if (!state) return std::unexpected(std::move(state.error()));
  WholeMachine machine{std::move(*state), std::vector<u8>(engine.config().ram_bytes)};
  if (Result<void> ok = engine.read_ram(vm, isa::RAM_BASE, machine.ram); !ok)
    return std::unexpected(std::move(ok.error()));
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

}  // namespace rookery::test
