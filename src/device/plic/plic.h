// SPDX-License-Identifier: Apache-2.0
// The interrupt controller's device-tree node. Its registers are in shaders/device/plic.wgsl; the
// host has no other part in it.
#pragma once

#include "base/types.h"
#include "device/device_tree_writer.h"

namespace rookery::device {

// Below /soc. `cpu_phandle` is the hart's own interrupt controller. Binding: Linux,
// interrupt-controller/sifive,plic-1.0.0.yaml.
void write_plic_node(DeviceTreeWriter& tree, u32 plic_phandle, u32 cpu_phandle);

}  // namespace rookery::device
