// SPDX-License-Identifier: Apache-2.0
//
// Finds adapters together with the objects to open them: what adapters.h shows to everybody, and
// what open_device() picks from. Internal to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "gpu/dawn/adapters.h"
#include "gpu/dawn/handles.h"

namespace rookery::gpu {

struct FoundAdapter {
  GpuAdapterInfo info;
  std::shared_ptr<WGPUInstanceImpl> instance;  // adapters of one search share it
  Handle<WGPUAdapterImpl> adapter;
};

// The drivers that are installed (or that the user's VK_DRIVER_FILES names), the best adapter
// first.
Result<std::vector<FoundAdapter>> find_installed_adapters();

// SwiftShader alone; empty when there is no manifest of it.
Result<std::vector<FoundAdapter>> find_software_adapters();

// The one adapter that `selector` means (DeviceOptions::selector), usable.
Result<FoundAdapter> select_adapter(const std::string& selector);

}  // namespace rookery::gpu
