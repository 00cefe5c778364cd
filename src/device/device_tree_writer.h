// SPDX-License-Identifier: Apache-2.0
// Writes a flattened device tree front to back, on libfdt's sequential-write functions: small,
// packed, and in the order in which it is written (a kernel that looks for /chosen walks over all
// before it).
//
// An error sticks: everything after it is ignored and finish() reports it, so that nodes can be
// written without a check at each line. Not thread-safe. Format: Devicetree Specification 0.4,
// chapters 2 and 5.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery::device {

class DeviceTreeWriter {
 public:
  // `capacity_bytes` bounds the tree while it is written; the result is as small as it can be.
  explicit DeviceTreeWriter(std::size_t capacity_bytes);

  void begin_node(const std::string& name);                // the root's name is ""
  void begin_node_at(std::string_view name, u64 address);  // name@address
  void end_node();

  void flag(const char* name);  // a property without a value
  void cell(const char* name, u32 value);
  void cells(const char* name, std::initializer_list<u32> values);
  void two_cells(const char* name, u64 value);
  void bytes(const char* name, const std::vector<u8>& value);
  void text(const char* name, std::string_view value);
  void texts(const char* name, const std::vector<std::string_view>& values);  // a list of strings
  void reg(u64 base,
           u64 size_bytes);  // with two cells each, as everything below / and /soc has them

  // Handles count from 1 in the order of calls. Reserve one to refer to a node before it is
  // written.
  u32 new_phandle();
  void phandle(u32 handle);

  // The tree. Call once, after the last node has ended.
  Result<std::vector<u8>> finish();

 private:
  void note(int fdt_error);

  std::vector<u8> buffer_;
  u32 phandles_ = 0;
  int error_ = 0;  // the first error of libfdt, or 0
};

}  // namespace rookery::device
