// SPDX-License-Identifier: Apache-2.0
#include "device/device_tree_writer.h"

#include <fmt/format.h>

extern "C" {
#include <libfdt.h>
}

namespace rookery::device {

DeviceTreeWriter::DeviceTreeWriter(std::size_t capacity_bytes) : buffer_(capacity_bytes) {
  note(fdt_create(buffer_.data(), static_cast<int>(buffer_.size())));
  note(fdt_finish_reservemap(buffer_.data()));
}

void DeviceTreeWriter::note(int fdt_error) {
  if (error_ == 0) error_ = fdt_error;
}

void DeviceTreeWriter::begin_node(const std::string& name) {
  if (error_ == 0) note(fdt_begin_node(buffer_.data(), name.c_str()));
}

void DeviceTreeWriter::begin_node_at(std::string_view name, u64 address) {
  begin_node(fmt::format("{}@{:x}", name, address));
}

void DeviceTreeWriter::end_node() {
  if (error_ == 0) note(fdt_end_node(buffer_.data()));
}

void DeviceTreeWriter::bytes(const char* name, const std::vector<u8>& value) {
  if (error_ == 0)
    note(fdt_property(buffer_.data(), name, value.data(), static_cast<int>(value.size())));
}

void DeviceTreeWriter::flag(const char* name) { bytes(name, {}); }

void DeviceTreeWriter::cell(const char* name, u32 value) { cells(name, {value}); }

void DeviceTreeWriter::cells(const char* name, std::initializer_list<u32> values) {
  std::vector<u8> value;
  for (u32 each : values) {
    for (int shift = 24; shift >= 0; shift -= 8) value.push_back(static_cast<u8>(each >> shift));
  }
  bytes(name, value);
}

void DeviceTreeWriter::two_cells(const char* name, u64 value) {
  cells(name, {static_cast<u32>(value >> 32), static_cast<u32>(value)});
}

void DeviceTreeWriter::text(const char* name, std::string_view value) { texts(name, {value}); }

void DeviceTreeWriter::texts(const char* name, const std::vector<std::string_view>& values) {
  std::vector<u8> value;
  for (std::string_view each : values) {
    value.insert(value.end(), each.begin(), each.end());
    value.push_back(0);
  }
  bytes(name, value);
}

void DeviceTreeWriter::reg(u64 base, u64 size_bytes) {
  cells("reg", {static_cast<u32>(base >> 32), static_cast<u32>(base),
                static_cast<u32>(size_bytes >> 32), static_cast<u32>(size_bytes)});
}

u32 DeviceTreeWriter::new_phandle() { return ++phandles_; }

void DeviceTreeWriter::phandle(u32 handle) { cell("phandle", handle); }

Result<std::vector<u8>> DeviceTreeWriter::finish() {
  if (error_ == 0) note(fdt_finish(buffer_.data()));
  if (error_ != 0) {
    return fail(ErrorKind::internal, "The device tree could not be written into {} bytes: {}.",
                buffer_.size(), fdt_strerror(error_));
  }
  buffer_.resize(fdt_totalsize(buffer_.data()));
  return std::move(buffer_);
}

}  // namespace rookery::device
