// SPDX-License-Identifier: Apache-2.0
//
// Which GPU adapters this host has, and which of them Rookery can use.
//
// A Vulkan driver takes its time to start, so nothing starts before it is asked for.
// `probably_has_gpu` only looks whether there is a loader and a device node, so that a host without
// a GPU learns so in well under a millisecond.
//
// Threads: call from one thread. Errors: ErrorKind::usage, with what to install or which names
// exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "gpu/adapter_limits.h"

namespace rookery::gpu {

enum class AdapterType { discrete, integrated, cpu, unknown };
std::string_view name_of(AdapterType type);

struct GpuAdapterInfo {
  std::string name;          // "NVIDIA H200": what --adapter matches a part of, whatever the case
  std::string vendor;        // "nvidia"
  std::string architecture;  // "hopper"; may be empty
  std::string backend;       // "Vulkan"
  std::string driver;        // the driver and its version
  AdapterType type = AdapterType::unknown;
  AdapterLimits limits;
  bool software = false;  // runs on the CPU (SwiftShader, lavapipe): never picked by "auto"
  bool usable = false;
  std::string refusal;  // why not, as a sentence; empty when usable
};

// False when it is certain that no hardware adapter can be opened (no Vulkan loader, no driver
// manifest, no device node). Loads nothing.
bool probably_has_gpu();

// Every adapter, the best first, software ones last; unusable ones are listed with the reason.
// A host with no Vulkan loader is an error that says what to install; a host with a loader and no
// driver lists the software adapter, or nothing.
Result<std::vector<GpuAdapterInfo>> list_adapters();

// The SwiftShader driver manifest that would be used for the software adapter:
// $ROOKERY_SWIFTSHADER, then the one found when Rookery was built, then the one of Debian's
// Chromium. Empty when there is none.
std::string software_driver_manifest();

}  // namespace rookery::gpu
