// SPDX-License-Identifier: Apache-2.0
#include "device/test/test.h"

#include "isa/constants.h"

namespace rookery::device {

namespace {

void write_syscon_node(DeviceTreeWriter& tree, const char* name, const char* compatible,
                       u32 test_phandle, u32 value) {
  tree.begin_node(name);
  tree.text("compatible", compatible);
  tree.cell("regmap", test_phandle);
  tree.cell("offset", isa::TEST_FINISHER);
  tree.cell("value", value);
  tree.end_node();
}

}  // namespace

void write_test_node(DeviceTreeWriter& tree, u32 test_phandle) {
  tree.begin_node_at("test", isa::TEST_BASE);
  tree.texts("compatible", {"sifive,test1", "sifive,test0", "syscon"});
  tree.reg(isa::TEST_BASE, isa::TEST_SIZE);
  tree.phandle(test_phandle);
  tree.end_node();
}

void write_power_nodes(DeviceTreeWriter& tree, u32 test_phandle) {
  write_syscon_node(tree, "poweroff", "syscon-poweroff", test_phandle, isa::TEST_PASS);
  write_syscon_node(tree, "reboot", "syscon-reboot", test_phandle, isa::TEST_RESET);
}

}  // namespace rookery::device
