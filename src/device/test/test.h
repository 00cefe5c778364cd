// SPDX-License-Identifier: Apache-2.0
// The test finisher's device-tree nodes. Its register is in shaders/device/test.wgsl; what it asks
// for reaches the host as EXIT_SHUTDOWN and EXIT_REBOOT.
#pragma once

#include "base/types.h"
#include "device/device_tree_writer.h"

namespace rookery::device {

// Below /soc: the finisher itself. Firmware uses it to power off and to reset.
void write_test_node(DeviceTreeWriter& tree, u32 test_phandle);

// Below /: how a kernel without an SBI powers off and reboots. Bindings: Linux,
// power/reset/syscon-poweroff.yaml and syscon-reboot.yaml.
void write_power_nodes(DeviceTreeWriter& tree, u32 test_phandle);

}  // namespace rookery::device
