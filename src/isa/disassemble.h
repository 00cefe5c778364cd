// SPDX-License-Identifier: Apache-2.0
// An instruction word as text, from the same rows that the engines execute, for traces and
// messages.
//
// Spelling: GNU objdump's with -M no-aliases, mnemonic and operands separated by one space, ABI
// register names, absolute hexadecimal branch targets. Three things are ours: a word that is no
// instruction of this machine is ".word 0x00000000" whatever other extensions make of it; what the
// machine executes as a fence (reserved fields, hints such as pause) is spelled as one; and only
// CSRs of isa/csr.def have names. No bit of a field that the machine ignores is shown.
#pragma once

#include <string>

#include "isa/decode.h"

namespace rookery::isa {

// `pc` is the word's own address; targets wrap around at XLEN bits. Any word is allowed.
std::string disassemble(Xlen xlen, u64 pc, u32 word);

// x0 to x31 by their ABI names. `number` < 32.
std::string_view register_name(u32 number);

}  // namespace rookery::isa
