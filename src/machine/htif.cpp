// SPDX-License-Identifier: Apache-2.0
#include "machine/htif.h"

#include <algorithm>
#include <array>

namespace rookery {
namespace {

constexpr u64 kWrite = 64;
constexpr u64 kExit = 93;
constexpr u64 kNoSuchCall = static_cast<u64>(-38);  // -ENOSYS
constexpr u64 kMaxWriteBytes = 1 * kMiB;

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

// A proxied system call: eight dwords at `pa`, the number and the arguments; the result replaces
// the number, and fromhost becomes 1.
Result<HtifAnswer> serve_syscall(Engine& engine, const BootLayout& layout, u32 vm, u32 pa) {
  const u64 ram_bytes = engine.config().ram_bytes;
  const auto lies_in_ram = [&](u64 from, u64 bytes) {
    return from >= isa::RAM_BASE && from - isa::RAM_BASE <= ram_bytes &&
           bytes <= ram_bytes - (from - isa::RAM_BASE);
  };
  std::array<u64, 4> call{};  // number and three arguments; guest and host are little-endian
  const std::span<u8> call_bytes(reinterpret_cast<u8*>(call.data()), sizeof(call));
  if (!lies_in_ram(pa, sizeof(call))) {
    return fail(ErrorKind::image,
                "The program wrote {:#x} to tohost, which is no system call in RAM.", pa);
  }
  if (auto done = engine.read_ram(vm, pa, call_bytes); !done) return pass_on(done);

  HtifAnswer answer;
  u64 result = kNoSuchCall;
  if (call[0] == kExit) {
    answer.status = static_cast<u32>(call[1]);
    return answer;
  }
  if (call[0] == kWrite) {
    const u64 bytes = std::min(call[3], kMaxWriteBytes);
    if (!lies_in_ram(call[2], bytes)) {
      return fail(ErrorKind::image, "The program writes {} bytes from {:#x}, which are not in RAM.",
                  bytes, call[2]);
    }
    answer.printed.resize(bytes);
    const std::span<u8> out(reinterpret_cast<u8*>(answer.printed.data()), answer.printed.size());
    if (auto done = engine.read_ram(vm, static_cast<u32>(call[2]), out); !done)
      return pass_on(done);
    result = bytes;
  }
  call[0] = result;
  if (auto done = engine.write_ram(vm, pa, call_bytes.first(sizeof(u64))); !done)
    return pass_on(done);
  if (layout.fromhost_pa != 0) {
    constexpr std::array<u8, 8> kOne{1};
    if (auto done = engine.write_ram(vm, layout.fromhost_pa, kOne); !done) return pass_on(done);
  }
  return answer;
}

}  // namespace

Result<HtifAnswer> serve_htif(Engine& engine, const BootLayout& layout, const Exit& exit) {
  const u64 message = (u64{exit.arg1} << 32) | exit.arg0;
  const u32 device = static_cast<u32>(message >> 56);
  const u32 command = static_cast<u32>(message >> 48) & 0xff;
  const u64 payload = message & ((u64{1} << 48) - 1);

  // Taking the message away first lets the program send the next one.
  constexpr std::array<u8, 8> kZero{};
  if (auto done = engine.write_ram(exit.vm, layout.tohost_pa, kZero); !done) return pass_on(done);
  HtifAnswer answer;
  if (device == 0 && command == 0 && (payload & 1) != 0) {
    answer.status = static_cast<u32>(payload >> 1);
  } else if (device == 0 && command == 0) {
    auto served = serve_syscall(engine, layout, exit.vm, static_cast<u32>(payload));
    if (!served) return served;
    answer = *std::move(served);
  } else if (device == 1 && command == 1) {
    answer.printed = static_cast<char>(payload & 0xff);
  } else {
    return fail(ErrorKind::image,
                "The program wrote {:#x} to tohost: HTIF device {} has no command {} here.",
                message, device, command);
  }
  if (answer.status) return answer;
  if (auto done = engine.resume(exit.vm); !done) return pass_on(done);
  return answer;
}

}  // namespace rookery
