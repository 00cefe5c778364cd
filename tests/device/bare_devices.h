// SPDX-License-Identifier: Apache-2.0
// The translated device and SBI modules in a machine without a hart, for both widths. What the
// machine would provide (time, RAM, console, exits) is in bare_devices_class.h, as plain as can be
// and open to a test's eyes. Defines functions: include it in one file of a program.
//
// How to add a case: take the test file of the device, make a BareDevices32, poke registers with
// its load8() ... store32() as a driver would, and look at the machine's state.
#pragma once

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "engine/console_texts.h"
#include "isa/constants.h"
#include "isa/state.h"

namespace rookery::isa {

#define CoreClass BareDevices32
#define CoreWord u32
#include "device/bare_devices_class.h"
#include "tests/device/bare_devices.inc"
#undef CoreClass
#undef CoreWord

#define CoreClass BareDevices64
#define CoreWord u64
#include "device/bare_devices_class.h"
#include "tests/device/bare_devices.inc"
#undef CoreClass
#undef CoreWord

}  // namespace rookery::isa

namespace rookery::device {
using isa::BareDevices32;
using isa::BareDevices64;
}  // namespace rookery::device
