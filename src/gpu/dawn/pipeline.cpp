// SPDX-License-Identifier: Apache-2.0
#include <webgpu/webgpu.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/file.h"
#include "gpu/dawn/dawn_text.h"
#include "gpu/dawn/device.h"
#include "gpu/dawn/device_state.h"

namespace rookery::gpu {

namespace {

WGPUBufferBindingType binding_type_of(BindingType type) {
  switch (type) {
    case BindingType::storage:
      return WGPUBufferBindingType_Storage;
    case BindingType::read_only_storage:
      return WGPUBufferBindingType_ReadOnlyStorage;
    case BindingType::uniform:
      return WGPUBufferBindingType_Uniform;
  }
  return WGPUBufferBindingType_Storage;
}

struct CompilerMessages {
  const AssembledShader* shader = nullptr;
  std::string text;  // one line for each error
};

// The errors of a shader module that did not compile, each with the place where it was written.
void on_compilation_info(WGPUCompilationInfoRequestStatus, const WGPUCompilationInfo* info,
                         void* userdata, void*) {
  constexpr u32 kMaxShown = 10;
  auto& messages = *static_cast<CompilerMessages*>(userdata);
  if (info == nullptr) return;
  u32 errors = 0;
  for (std::size_t index = 0; index < info->messageCount; ++index) {
    const WGPUCompilationMessage& message = info->messages[index];
    if (message.type != WGPUCompilationMessageType_Error || ++errors > kMaxShown) continue;
    const SourcePosition position = messages.shader->locate(static_cast<u32>(message.lineNum));
    if (!messages.text.empty()) messages.text += '\n';
    if (!position.file.empty()) {
      messages.text += fmt::format("{}:{}:{}: ", position.file, position.line, message.linePos);
    }
    messages.text += messages.shader->annotate(text_of(message.message));
  }
  if (errors > kMaxShown) messages.text += fmt::format("\nand {} more errors.", errors - kMaxShown);
}

Result<Handle<WGPUShaderModuleImpl>> compile(DeviceState& state,
                                             const PipelineDescription& description) {
  WGPUShaderSourceWGSL source{};
  source.chain.sType = WGPUSType_ShaderSourceWGSL;
  source.code = dawn_text(description.shader->text());
  WGPUShaderModuleDescriptor module_description{};
  module_description.nextInChain = &source.chain;
  module_description.label = dawn_text(description.shader->entry_path());

  state.push_error_scopes();
  Handle<WGPUShaderModuleImpl> module(
      wgpuDeviceCreateShaderModule(state.device.get(), &module_description));
  auto created = state.pop_error_scopes();
  if (created) return module;
  if (created.error().kind != ErrorKind::internal)
    return std::unexpected(std::move(created.error()));

  auto messages = std::make_unique<CompilerMessages>();
  messages->shader = description.shader;
  WGPUCompilationInfoCallbackInfo callback{};
  callback.mode = WGPUCallbackMode_WaitAnyOnly;
  callback.callback = on_compilation_info;
  callback.userdata1 = messages.get();
  if (auto waited = state.wait(wgpuShaderModuleGetCompilationInfo(module.get(), callback));
      !waited) {
    (void)messages.release();  // the callback may still write to it
    return std::unexpected(std::move(waited.error()));
  }
  if (messages->text.empty())
    messages->text = description.shader->annotate(created.error().message);
  return fail(ErrorKind::internal, "{}", messages->text);
}

}  // namespace

Result<ComputePipeline> GpuDevice::create_pipeline(const PipelineDescription& description) {
  if (auto checked = check(); !checked) return std::unexpected(std::move(checked.error()));
  const auto start = std::chrono::steady_clock::now();
  const u64 hits_before = state_->cache ? state_->cache->hits() : 0;
  const u64 stores_before = state_->cache ? state_->cache->stores() : 0;
  const std::string activity = fmt::format("compiling pipeline \"{}\"", description.label);

  auto module = compile(*state_, description);
  if (!module) return std::unexpected(std::move(module.error()).during(activity));

  ComputePipeline out;
  out.label_ = description.label;
  out.bindings_ = description.bindings;

  std::vector<WGPUBindGroupLayoutEntry> entries;
  for (const BindingSlot& slot : description.bindings) {
    WGPUBindGroupLayoutEntry entry{};
    entry.binding = slot.binding;
    entry.visibility = WGPUShaderStage_Compute;
    entry.buffer.type = binding_type_of(slot.type);
    entry.buffer.minBindingSize = slot.min_bytes;
    entries.push_back(entry);
  }
  WGPUBindGroupLayoutDescriptor layout_description{};
  layout_description.label = dawn_text(description.label);
  layout_description.entryCount = entries.size();
  layout_description.entries = entries.data();

  std::vector<WGPUConstantEntry> constants;
  for (const ShaderConstant& constant : description.constants) {
    WGPUConstantEntry entry{};
    entry.key = dawn_text(constant.name);
    entry.value = constant.value;
    constants.push_back(entry);
  }

  WGPUDevice device = state_->device.get();
  state_->push_error_scopes();
  out.layout_.reset(wgpuDeviceCreateBindGroupLayout(device, &layout_description));
  WGPUBindGroupLayout layouts[] = {out.layout_.get()};
  WGPUPipelineLayoutDescriptor pipeline_layout_description{};
  pipeline_layout_description.label = dawn_text(description.label);
  pipeline_layout_description.bindGroupLayoutCount = std::size(layouts);
  pipeline_layout_description.bindGroupLayouts = layouts;
  const Handle<WGPUPipelineLayoutImpl> pipeline_layout(
      wgpuDeviceCreatePipelineLayout(device, &pipeline_layout_description));
  WGPUComputePipelineDescriptor pipeline_description{};
  pipeline_description.label = dawn_text(description.label);
  pipeline_description.layout = pipeline_layout.get();
  pipeline_description.compute.module = module->get();
  pipeline_description.compute.entryPoint = dawn_text(description.entry_point);
  pipeline_description.compute.constantCount = constants.size();
  pipeline_description.compute.constants = constants.data();
  out.pipeline_.reset(wgpuDeviceCreateComputePipeline(device, &pipeline_description));
  if (auto created = state_->pop_error_scopes(); !created) {
    Error error = std::move(created.error());
    error.message = description.shader->annotate(error.message);
    return std::unexpected(std::move(error).during(activity));
  }
  if (state_->cache) {
    out.from_cache_ =
        state_->cache->hits() > hits_before && state_->cache->stores() == stores_before;
  }
  out.compile_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

Result<BindGroup> GpuDevice::create_bind_group(const ComputePipeline& pipeline,
                                               std::span<const BufferBinding> bindings) {
  const std::string activity =
      fmt::format("binding the buffers of pipeline \"{}\"", pipeline.label());
  std::vector<WGPUBindGroupEntry> entries;
  for (const BufferBinding& binding : bindings) {
    const GpuBuffer& buffer = *binding.buffer;
    if (binding.offset > buffer.size_bytes()) {
      return std::unexpected(
          std::move(check_range(buffer, binding.offset, binding.bytes).error()).during(activity));
    }
    const u64 bytes = binding.bytes != 0 ? binding.bytes : buffer.size_bytes() - binding.offset;
    if (auto checked = check_range(buffer, binding.offset, bytes); !checked) {
      return std::unexpected(std::move(checked.error()).during(activity));
    }
    const auto slot = std::ranges::find(pipeline.bindings_, binding.binding, &BindingSlot::binding);
    const bool uniform = slot != pipeline.bindings_.end() && slot->type == BindingType::uniform;
    const u64 limit =
        uniform ? limits().max_uniform_binding_bytes : limits().max_storage_binding_bytes;
    if (bytes > limit) {
      return std::unexpected(Error{
          ErrorKind::out_of_memory,
          fmt::format("Binding {} of {} of GPU buffer \"{}\" is larger than the adapter \"{}\" "
                      "allows ({}).",
                      binding.binding, size_text(bytes), buffer.label(), adapter().name,
                      size_text(limit)),
          {}}.during(activity));
    }
    WGPUBindGroupEntry entry{};
    entry.binding = binding.binding;
    entry.buffer = buffer.get();
    entry.offset = binding.offset;
    entry.size = bytes;
    entries.push_back(entry);
  }
  WGPUBindGroupDescriptor description{};
  description.label = dawn_text(pipeline.label());
  description.layout = pipeline.layout_.get();
  description.entryCount = entries.size();
  description.entries = entries.data();
  BindGroup group;
  state_->push_error_scopes();
  group.handle_.reset(wgpuDeviceCreateBindGroup(state_->device.get(), &description));
  if (auto created = state_->pop_error_scopes(); !created) {
    return std::unexpected(std::move(created.error()).during(activity));
  }
  return group;
}

}  // namespace rookery::gpu
