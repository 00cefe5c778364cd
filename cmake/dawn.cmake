# SPDX-License-Identifier: Apache-2.0
# Where Dawn (WebGPU) comes from: rookery::dawn, and rookery::webgpu_header for code that needs the
# declarations alone.
#
# 1. An installed Dawn (find_package, target dawn::webgpu_dawn), for people who have one.
# 2. Two npm packages pinned by third_party/dawn/package-lock.json: one holds the shared library, the
#    other the header, of which exactly one file is used. './dev' installs them; without them
#    configuring stops and says so, unless ROOKERY_GPU is OFF.

set(dawn_npm "${PROJECT_SOURCE_DIR}/third_party/dawn/node_modules")
set(dawn_npm_header "${dawn_npm}/react-native-webgpu/cpp/webgpu/webgpu.h")
set(ROOKERY_DAWN_DIR "${dawn_npm}/bun-webgpu-linux-x64")
set(dawn_npm_library "${ROOKERY_DAWN_DIR}/libwebgpu_wrapper.so")

add_library(rookery_webgpu_header INTERFACE)
add_library(rookery::webgpu_header ALIAS rookery_webgpu_header)

if(NOT ROOKERY_WASM)
  find_package(Dawn CONFIG QUIET)
endif()

if(Dawn_FOUND)
  get_target_property(dawn_includes dawn::webgpu_dawn INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(rookery_webgpu_header SYSTEM INTERFACE $<BUILD_INTERFACE:${dawn_includes}>)
  if(ROOKERY_GPU)
    rookery_dependency(dawn LINK dawn::webgpu_dawn)
  endif()
  return()
endif()

if(EXISTS "${dawn_npm_header}")
  # The package holds much more than the header, so the compiler sees a folder with this file alone.
  file(MAKE_DIRECTORY "${ROOKERY_GENERATED_DIR}/webgpu_include/webgpu")
  file(CREATE_LINK "${dawn_npm_header}" "${ROOKERY_GENERATED_DIR}/webgpu_include/webgpu/webgpu.h"
    COPY_ON_ERROR SYMBOLIC)
  target_include_directories(rookery_webgpu_header SYSTEM INTERFACE
    "$<BUILD_INTERFACE:${ROOKERY_GENERATED_DIR}/webgpu_include>")
elseif(ROOKERY_GPU)
  message(FATAL_ERROR "Dawn was found neither installed nor in third_party/dawn/node_modules. "
    "'./dev build' fetches it ('npm ci --ignore-scripts' in third_party/dawn); "
    "-DROOKERY_GPU=OFF builds a Rookery with the CPU engine alone.")
endif()

if(ROOKERY_GPU)
  if(NOT EXISTS "${dawn_npm_library}")
    message(FATAL_ERROR "Dawn's library ${dawn_npm_library} is missing, though its header is there. "
      "Run 'npm ci --ignore-scripts' in third_party/dawn.")
  endif()
  # cmake/RookeryConfig.cmake.in makes it again, of the installed one.
  add_library(Rookery::dawn_library SHARED IMPORTED)
  set_target_properties(Rookery::dawn_library PROPERTIES
    IMPORTED_LOCATION "${dawn_npm_library}"
    IMPORTED_NO_SONAME ON)
  rookery_dependency(dawn LINK Rookery::dawn_library rookery_webgpu_header)
endif()
