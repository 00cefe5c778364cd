// SPDX-License-Identifier: Apache-2.0
// The core-local interruptor's device-tree node. Its registers are in shaders/device/aclint.wgsl;
// the host has no other part in it.
#pragma once

#include "base/types.h"
#include "device/device_tree_writer.h"

namespace rookery::device {

// Below /soc. Only software in M-mode has use for it. `cpu_phandle` is the hart's own interrupt
// controller. Binding: Linux, timer/sifive,clint.yaml.
void write_aclint_node(DeviceTreeWriter& tree, u32 cpu_phandle);

}  // namespace rookery::device
