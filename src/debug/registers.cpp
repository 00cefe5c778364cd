// SPDX-License-Identifier: Apache-2.0
#include "debug/registers.h"

#include <iterator>

#include <fmt/format.h>

#include "isa/disassemble.h"

namespace rookery::debug {
namespace {

constexpr CsrName kCsrNames32[] = {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) {number, #name},
#define CSR32(name, number, read, ...) {number, #name},
#include "isa/csr.def"
};
constexpr CsrName kCsrNames64[] = {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) {number, #name},
#define CSR32(name, number, read, ...)
#include "isa/csr.def"
};

constexpr u32 kStackPointer = 2;

}  // namespace

std::span<const CsrName> csr_names(isa::Xlen xlen) {
  if (xlen == isa::Xlen::rv32) return kCsrNames32;
  return kCsrNames64;
}

std::string target_description(isa::Xlen xlen) {
  const u32 bits = static_cast<u32>(xlen);
  std::string xml = fmt::format(
      "<?xml version=\"1.0\"?>\n"
      "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
      "<target version=\"1.0\">\n"
      "<architecture>riscv:rv{}</architecture>\n"
      "<osabi>none</osabi>\n"  // a hart: a Linux program's gdb would step by breakpoints
      "<feature name=\"org.gnu.gdb.riscv.cpu\">\n",
      bits);
  const auto add = [&](std::string_view name, u32 number, std::string_view type,
                       std::string_view group) {
    fmt::format_to(std::back_inserter(xml),
                   "<reg name=\"{}\" bitsize=\"{}\" regnum=\"{}\" type=\"{}\"{}/>\n", name, bits,
                   number, type, group);
  };
  for (u32 number = 0; number < kPcRegister; ++number) {
    add(isa::register_name(number), number, number == kStackPointer ? "data_ptr" : "int", "");
  }
  add("pc", kPcRegister, "code_ptr", "");
  xml += "</feature>\n<feature name=\"org.gnu.gdb.riscv.csr\">\n";
  // Unsigned, or gdb would take "*$stvec" for an address that is sign-extended.
  const std::string csr_type = fmt::format("uint{}", bits);
  for (const CsrName& csr : csr_names(xlen)) {
    add(csr.name, kFirstCsrRegister + csr.number, csr_type, " group=\"csr\"");
  }
  xml += "</feature>\n<feature name=\"org.gnu.gdb.riscv.virtual\">\n";
  add("priv", kPrivilegeRegister, "int", "");
  xml += "</feature>\n</target>\n";
  return xml;
}

}  // namespace rookery::debug
