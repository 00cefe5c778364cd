// SPDX-License-Identifier: Apache-2.0
#include "gpu/dawn/adapters.h"

#include <dlfcn.h>
#include <webgpu/webgpu.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "gpu/dawn/adapter_search.h"
#include "gpu/dawn/dawn_text.h"
#include "gpu/dawn/padded_limits.h"

namespace rookery::gpu {

namespace {

namespace fs = std::filesystem;

constexpr const char* kVulkanLoader = "libvulkan.so.1";
constexpr const char* kVulkanDriverVariable = "VK_DRIVER_FILES";
constexpr const char* kSoftwareVariable = "ROOKERY_SWIFTSHADER";
constexpr const char* kChromiumSoftwareManifest = "/usr/lib/chromium/vk_swiftshader_icd.json";

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool has_entry_with_prefix(const char* folder, std::string_view prefix) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().filename().native().starts_with(prefix)) return true;
  }
  return false;
}

bool has_vulkan_loader() {
  // Kept loaded: Dawn loads it again in a moment.
  static const bool found = dlopen(kVulkanLoader, RTLD_LAZY | RTLD_LOCAL) != nullptr;
  return found;
}

bool has_gpu_node() {
  return exists("/dev/nvidiactl") || has_entry_with_prefix("/dev/dri", "renderD") ||
         exists("/dev/dxg");
}

// Where the Vulkan loader looks for driver manifests.
bool has_driver_manifest() {
  for (const char* variable : {kVulkanDriverVariable, "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"}) {
    if (std::getenv(variable) != nullptr) return true;
  }
  const auto value_or = [](const char* variable, const std::string& otherwise) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? std::string(value) : otherwise;
  };
  const std::string home = value_or("HOME", "");
  std::string folders = "/etc:/usr/local/etc:" + value_or("XDG_CONFIG_HOME", home + "/.config") +
                        ":" + value_or("XDG_CONFIG_DIRS", "/etc/xdg") + ":" +
                        value_or("XDG_DATA_HOME", home + "/.local/share") + ":" +
                        value_or("XDG_DATA_DIRS", "/usr/local/share:/usr/share") + ":";
  for (std::size_t end; (end = folders.find(':')) != std::string::npos; folders.erase(0, end + 1)) {
    if (has_entry_with_prefix((folders.substr(0, end) + "/vulkan/icd.d").c_str(), "")) return true;
  }
  return false;
}

bool has_nvidia_node() { return exists("/dev/nvidiactl"); }

Result<void> require_vulkan_loader() {
  if (has_vulkan_loader()) return {};
  return fail(ErrorKind::usage,
              "There is no Vulkan loader ({}) on this host. Install it (Debian: libvulkan1), and "
              "the Vulkan driver of "
              "the GPU.",
              kVulkanLoader);
}

// Sets an environment variable for as long as it lives. The Vulkan loader reads its variables when
// Dawn first lists adapters, so the value has to stand only that long.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() {
    if (old_) {
      setenv(name_, old_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

AdapterType adapter_type_of(WGPUAdapterType type) {
  switch (type) {
    case WGPUAdapterType_DiscreteGPU:
      return AdapterType::discrete;
    case WGPUAdapterType_IntegratedGPU:
      return AdapterType::integrated;
    case WGPUAdapterType_CPU:
      return AdapterType::cpu;
    default:
      return AdapterType::unknown;
  }
}

std::string_view name_of_backend(WGPUBackendType type) {
  switch (type) {
    case WGPUBackendType_Vulkan:
      return "Vulkan";
    case WGPUBackendType_Metal:
      return "Metal";
    case WGPUBackendType_D3D12:
      return "Direct3D 12";
    case WGPUBackendType_D3D11:
      return "Direct3D 11";
    case WGPUBackendType_OpenGL:
      return "OpenGL";
    case WGPUBackendType_OpenGLES:
      return "OpenGL ES";
    default:
      return "unknown backend";
  }
}

GpuAdapterInfo describe(WGPUAdapter adapter) {
  GpuAdapterInfo out;
  WGPUAdapterInfo info{};
  if (wgpuAdapterGetInfo(adapter, &info) == WGPUStatus_Success) {
    out.name = text_of(info.device);
    out.vendor = text_of(info.vendor);
    out.architecture = text_of(info.architecture);
    out.driver = text_of(info.description);
    out.backend = name_of_backend(info.backendType);
    out.type = adapter_type_of(info.adapterType);
    out.software = out.type == AdapterType::cpu;
    out.limits.subgroup_min = info.subgroupMinSize;
    out.limits.subgroup_max = info.subgroupMaxSize;
    wgpuAdapterInfoFreeMembers(info);
  }
  PaddedLimits padded;
  if (wgpuAdapterGetLimits(adapter, &padded.limits) != WGPUStatus_Success) {
    out.refusal = "It does not tell its limits.";
    return out;
  }
  const WGPULimits& limits = padded.limits;
  out.limits.max_buffer_bytes = limits.maxBufferSize;
  out.limits.max_storage_binding_bytes = limits.maxStorageBufferBindingSize;
  out.limits.max_uniform_binding_bytes = limits.maxUniformBufferBindingSize;
  out.limits.max_storage_buffers_per_stage = limits.maxStorageBuffersPerShaderStage;
  out.limits.max_uniform_buffers_per_stage = limits.maxUniformBuffersPerShaderStage;
  out.limits.max_bindings_per_bind_group = limits.maxBindingsPerBindGroup;
  out.limits.storage_offset_alignment = limits.minStorageBufferOffsetAlignment;
  out.limits.uniform_offset_alignment = limits.minUniformBufferOffsetAlignment;
  out.limits.max_workgroup_storage_bytes = limits.maxComputeWorkgroupStorageSize;
  out.limits.max_workgroup_invocations = limits.maxComputeInvocationsPerWorkgroup;
  out.limits.max_workgroup_size_x = limits.maxComputeWorkgroupSizeX;
  out.limits.max_workgroups_per_dimension = limits.maxComputeWorkgroupsPerDimension;
  out.refusal = refusal_of(out.limits);
  out.usable = out.refusal.empty();
  return out;
}

// The first instance stays for as long as the program: it keeps the Vulkan driver loaded. Drivers
// take static thread-local storage at each load, and after a few dozen loads there is none left
// (NVIDIA 580: "cannot allocate memory in static TLS block").
void keep_driver_loaded(const std::shared_ptr<WGPUInstanceImpl>& instance) {
  static const auto* const kept = new std::shared_ptr<WGPUInstanceImpl>(instance);
  (void)kept;
}

std::shared_ptr<WGPUInstanceImpl> create_instance() {
  const WGPUInstanceFeatureName features[] = {WGPUInstanceFeatureName_TimedWaitAny};
  WGPUInstanceDescriptor description{};
  description.requiredFeatureCount = std::size(features);
  description.requiredFeatures = features;
  WGPUInstance instance = wgpuCreateInstance(&description);
  if (instance == nullptr) return nullptr;
  std::shared_ptr<WGPUInstanceImpl> owned{instance, HandleRelease{}};
  keep_driver_loaded(owned);
  return owned;
}

// The C API hands out one adapter for each power preference, so a second GPU of the same kind
// cannot be seen through it. Dawn's C++ API lists all of them; its library exports it, though the
// header is not in the packages that Rookery uses. Its signature, known from Dawn's public
// DawnNative.h, is
//   std::vector<dawn::native::Adapter> dawn::native::Instance::EnumerateAdapters(const
//   WGPURequestAdapterOptions*) const;
// where both classes hold one pointer, the very handles of the C API, and an Adapter owns a
// reference. Looked up by name, so that a Dawn without it falls back to the C API. May go when
// webgpu.h can enumerate.
using EnumerateAdapters = std::vector<WGPUAdapter> (*)(const WGPUInstance* instance,
                                                       const WGPURequestAdapterOptions* options);
constexpr const char* kEnumerateAdaptersSymbol =
    "_ZNK4dawn6native8Instance17EnumerateAdaptersEPK25WGPURequestAdapterOptions";

WGPUAdapter request_adapter(WGPUInstance instance, const WGPURequestAdapterOptions& options) {
  WGPUAdapter found = nullptr;
  WGPURequestAdapterCallbackInfo info{};
  info.mode = WGPUCallbackMode_WaitAnyOnly;
  info.userdata1 = &found;
  info.callback = [](WGPURequestAdapterStatus, WGPUAdapter adapter, WGPUStringView, void* out,
                     void*) { *static_cast<WGPUAdapter*>(out) = adapter; };
  WGPUFutureWaitInfo wait{wgpuInstanceRequestAdapter(instance, &options, info), WGPU_FALSE};
  wgpuInstanceWaitAny(instance, 1, &wait, UINT64_MAX);
  return found;
}

std::vector<Handle<WGPUAdapterImpl>> adapters_of(WGPUInstance instance) {
  WGPURequestAdapterOptions options{};
  options.backendType = WGPUBackendType_Vulkan;
  options.featureLevel = WGPUFeatureLevel_Core;

  std::vector<Handle<WGPUAdapterImpl>> out;
  if (void* symbol = dlsym(RTLD_DEFAULT, kEnumerateAdaptersSymbol)) {
    options.powerPreference = WGPUPowerPreference_HighPerformance;
    for (WGPUAdapter adapter : reinterpret_cast<EnumerateAdapters>(symbol)(&instance, &options)) {
      out.emplace_back(adapter);
    }
    return out;
  }
  for (WGPUPowerPreference preference :
       {WGPUPowerPreference_HighPerformance, WGPUPowerPreference_LowPower}) {
    options.powerPreference = preference;
    if (WGPUAdapter adapter = request_adapter(instance, options)) out.emplace_back(adapter);
  }
  // Both preferences mean the same adapter on a host with one GPU.
  if (out.size() == 2 && describe(out[0].get()).name == describe(out[1].get()).name) out.pop_back();
  return out;
}

int rank_of(const GpuAdapterInfo& info) {
  switch (info.type) {
    case AdapterType::discrete:
      return 0;
    case AdapterType::integrated:
      return 1;
    case AdapterType::unknown:
      return 2;
    case AdapterType::cpu:
      return 3;
  }
  return 3;
}

Result<std::vector<FoundAdapter>> find_adapters() {
  if (auto loader = require_vulkan_loader(); !loader)
    return std::unexpected(std::move(loader.error()));
  std::shared_ptr<WGPUInstanceImpl> instance = create_instance();
  if (!instance) return fail(ErrorKind::internal, "Dawn did not create a WebGPU instance.");
  std::vector<FoundAdapter> out;
  for (Handle<WGPUAdapterImpl>& adapter : adapters_of(instance.get())) {
    GpuAdapterInfo info = describe(adapter.get());
    out.push_back({std::move(info), instance, std::move(adapter)});
  }
  std::ranges::stable_sort(out, {}, [](const FoundAdapter& found) { return rank_of(found.info); });
  return out;
}

// What a user can do who has a GPU that does not show up.
std::string driver_hint() {
  if (!has_nvidia_node()) return {};
  return " There is an NVIDIA GPU, but its Vulkan driver did not load; besides libvulkan1 it needs "
         "(Debian) libegl1, "
         "libgl1, libgles2, libx11-6 and libxext6.";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string names_of(const std::vector<FoundAdapter>& adapters) {
  std::string out;
  for (const FoundAdapter& found : adapters) {
    out += fmt::format("{}\"{}\"{}", out.empty() ? "" : ", ", found.info.name,
                       found.info.software ? " (software)" : "");
    if (!found.info.usable) out += " (refused: " + found.info.refusal + ")";
  }
  return out.empty() ? "none" : out;
}

Result<FoundAdapter> take_usable(FoundAdapter& found) {
  if (!found.info.usable) {
    return fail(ErrorKind::usage, "The adapter \"{}\" cannot be used. {}", found.info.name,
                found.info.refusal);
  }
  return std::move(found);
}

Result<FoundAdapter> select_hardware() {
  if (!has_vulkan_loader()) return std::unexpected(std::move(require_vulkan_loader().error()));
  if (!probably_has_gpu()) {
    return fail(ErrorKind::usage,
                "This host has no GPU (no /dev/nvidiactl, /dev/dri/renderD* or /dev/dxg).");
  }
  auto adapters = find_installed_adapters();
  if (!adapters) return std::unexpected(std::move(adapters.error()));
  for (FoundAdapter& found : *adapters) {
    if (found.info.usable && !found.info.software) return std::move(found);
  }
  return fail(ErrorKind::usage, "No GPU of this host can be used; the adapters that exist: {}.{}",
              names_of(*adapters), driver_hint());
}

Result<FoundAdapter> select_software() {
  auto adapters = find_software_adapters();
  if (!adapters) return std::unexpected(std::move(adapters.error()));
  if (!adapters->empty()) return take_usable(adapters->front());
  // Another software driver, named by the user's VK_DRIVER_FILES or installed, will do as well.
  adapters = find_installed_adapters();
  if (!adapters) return std::unexpected(std::move(adapters.error()));
  for (FoundAdapter& found : *adapters) {
    if (found.info.software) return take_usable(found);
  }
  const std::string manifest = software_driver_manifest();
  if (manifest.empty()) {
    return fail(ErrorKind::usage,
                "There is no software adapter: SwiftShader's vk_swiftshader_icd.json was not "
                "found. Set {} to its path, "
                "or install Debian's chromium-common, which holds it.",
                kSoftwareVariable);
  }
  return fail(ErrorKind::usage, "There is no software adapter: the driver of {} did not load.",
              manifest);
}

Result<FoundAdapter> select_by_name(const std::string& name) {
  const std::string wanted = lower_case(name);
  auto adapters = find_installed_adapters();
  if (!adapters) return std::unexpected(std::move(adapters.error()));
  auto software = find_software_adapters();
  if (software) std::ranges::move(*software, std::back_inserter(*adapters));
  for (FoundAdapter& found : *adapters) {
    if (lower_case(found.info.name).find(wanted) != std::string::npos) return take_usable(found);
  }
  return fail(ErrorKind::usage, "No adapter's name contains \"{}\"; the adapters that exist: {}.{}",
              name, names_of(*adapters), driver_hint());
}

}  // namespace

std::string_view name_of(AdapterType type) {
  switch (type) {
    case AdapterType::discrete:
      return "discrete GPU";
    case AdapterType::integrated:
      return "integrated GPU";
    case AdapterType::cpu:
      return "CPU";
    case AdapterType::unknown:
      return "unknown";
  }
  return "unknown";
}

bool probably_has_gpu() { return has_gpu_node() && has_vulkan_loader(); }

std::string software_driver_manifest() {
  if (const char* chosen = std::getenv(kSoftwareVariable); chosen != nullptr && *chosen != '\0')
    return chosen;
#ifdef ROOKERY_SWIFTSHADER_ICD
  if (exists(ROOKERY_SWIFTSHADER_ICD)) return ROOKERY_SWIFTSHADER_ICD;
#endif
  if (exists(kChromiumSoftwareManifest)) return kChromiumSoftwareManifest;
  return {};
}

Result<std::vector<FoundAdapter>> find_installed_adapters() {
  // Asked without need, Dawn prints warnings that there are no drivers.
  if (has_vulkan_loader() && !has_gpu_node() && !has_driver_manifest())
    return std::vector<FoundAdapter>{};
  return find_adapters();
}

Result<std::vector<FoundAdapter>> find_software_adapters() {
  const std::string manifest = software_driver_manifest();
  if (manifest.empty()) {
    if (auto loader = require_vulkan_loader(); !loader)
      return std::unexpected(std::move(loader.error()));
    return std::vector<FoundAdapter>{};
  }
  if (!exists(manifest)) {
    return fail(ErrorKind::usage,
                "{} names the Vulkan driver manifest \"{}\", which does not exist.",
                kSoftwareVariable, manifest);
  }
  // Dawn's forceFallbackAdapter finds nothing in the library that Rookery uses; the Vulkan loader's
  // own variable does.
  const ScopedVariable only_software(kVulkanDriverVariable, manifest);
  return find_adapters();
}

Result<FoundAdapter> select_adapter(const std::string& selector) {
  if (selector == "auto") return select_hardware();
  if (selector == "software") return select_software();
  return select_by_name(selector);
}

Result<std::vector<GpuAdapterInfo>> list_adapters() {
  auto installed = find_installed_adapters();
  if (!installed) return std::unexpected(std::move(installed.error()));
  std::vector<GpuAdapterInfo> out;
  for (FoundAdapter& found : *installed) out.push_back(std::move(found.info));
  auto software = find_software_adapters();
  if (!software) return std::unexpected(std::move(software.error()));
  for (FoundAdapter& found : *software) {
    // The user's own VK_DRIVER_FILES may have named it already.
    if (std::ranges::find(out, found.info.name, &GpuAdapterInfo::name) == out.end())
      out.push_back(std::move(found.info));
  }
  return out;
}

}  // namespace rookery::gpu
