// SPDX-License-Identifier: Apache-2.0
// Input from the machine's host: a person at a terminal, a file or program at a pipe, or nobody.
//
// On a terminal a byte goes into the UART as soon as there is room. Piped input is typed as a
// careful person would: a line at a time, and only while the guest idles in wfi with its UART's
// receive interrupt on, at a prompt or after a while of silence. So where a byte enters depends on
// the guest's own count alone, not on how fast anything is, and a piped run repeats exactly. After
// the last line Ctrl-D is typed once; when the guest then idles and nothing can wake it, the run is
// over.
#pragma once

#include <memory>

#include "machine/host.h"
#include "machine/input_source.h"

namespace rookery {

enum class InputMode {
  none,      // nobody types
  terminal,  // a person does
  piped,     // a file or a program does
};

// `host` must outlive the source.
std::unique_ptr<InputSource> make_live_input(InputMode mode, MachineHost& host);

}  // namespace rookery
