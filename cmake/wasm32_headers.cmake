# SPDX-License-Identifier: Apache-2.0
# For wasm32: a folder of links to the headers of third-party libraries that are sources or plain
# declarations, so good for any target. Nothing else of the host's /usr/include can be seen.
set(wasm32_include "${ROOKERY_GENERATED_DIR}/wasm32_include")

file(MAKE_DIRECTORY "${wasm32_include}/bits")
foreach(header fmt nlohmann libfdt.h libfdt_env.h fdt.h zstd.h zstd_errors.h xxhash.h libelf.h gelf.h elf.h
    bits/auxv.h)  # the last is a part of elf.h
  # In /usr/include, or in its folder for the host's architecture.
  file(GLOB found "/usr/include/${header}" "/usr/include/*-linux-gnu/${header}")
  if(NOT found)
    message(FATAL_ERROR "The header ${header} is missing in /usr/include; './dev test' installs the package that holds it.")
  endif()
  list(GET found 0 found)
  file(CREATE_LINK "${found}" "${wasm32_include}/${header}" SYMBOLIC)
endforeach()

add_library(rookery_wasm32_headers INTERFACE)
target_include_directories(rookery_wasm32_headers SYSTEM INTERFACE "${wasm32_include}")
