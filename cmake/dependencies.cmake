# SPDX-License-Identifier: Apache-2.0
# Every library from outside, each behind one target, so that the rest of the build names no paths:
#
#   rookery::fmt rookery::json rookery::fdt rookery::elf rookery::zstd rookery::xxhash   everywhere
#   rookery::cli11                                                                     src/cli
#   rookery::tomlplusplus rookery::sqlite rookery::re2                                 src/sweep
#   rookery::webgpu_header                                                             webgpu.h alone
#   rookery::dawn                                                                      Dawn's library
#
# All but Dawn come from Debian packages (packages.txt). libelf, libfdt, zstd, SQLite and RE2 are linked
# statically, so that the program runs on machines that have no more than libc, libstdc++ and libfmt.
# For wasm32 only their headers are used, through a folder of links (cmake/wasm32.cmake says why).

# An interface target called rookery::NAME.
function(rookery_dependency name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK;DEFINE")
  add_library(rookery_dep_${name} INTERFACE)
  add_library(rookery::${name} ALIAS rookery_dep_${name})
  target_link_libraries(rookery_dep_${name} INTERFACE ${arg_LINK})
  target_compile_definitions(rookery_dep_${name} INTERFACE ${arg_DEFINE})
endfunction()

# Finds the first of the libraries named and stores its path in VARIABLE.
function(rookery_find_library variable package)
  find_library(${variable} NAMES ${ARGN})
  mark_as_advanced(${variable})
  if(NOT ${variable})
    list(JOIN ARGN " or " names)
    message(FATAL_ERROR "No library ${names} was found; it is in Debian's package ${package}. './dev build' installs it.")
  endif()
endfunction()

if(ROOKERY_WASM)
  include(cmake/wasm32_headers.cmake)
  foreach(name fmt json fdt elf zstd)
    rookery_dependency(${name} LINK rookery_wasm32_headers)
  endforeach()
  rookery_dependency(xxhash LINK rookery_wasm32_headers DEFINE XXH_INLINE_ALL)
else()
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(Threads REQUIRED)
  rookery_find_library(ROOKERY_LIB_FDT libfdt-dev libfdt.a fdt)
  rookery_find_library(ROOKERY_LIB_ELF libelf-dev libelf.a elf)
  rookery_find_library(ROOKERY_LIB_Z zlib1g-dev libz.a z)
  rookery_find_library(ROOKERY_LIB_ZSTD libzstd-dev libzstd.a zstd)
  rookery_dependency(fmt LINK fmt::fmt)
  rookery_dependency(json LINK nlohmann_json::nlohmann_json)
  rookery_dependency(fdt LINK ${ROOKERY_LIB_FDT})
  rookery_dependency(elf LINK ${ROOKERY_LIB_ELF} ${ROOKERY_LIB_Z})
  rookery_dependency(zstd LINK ${ROOKERY_LIB_ZSTD} Threads::Threads)
  rookery_dependency(xxhash DEFINE XXH_INLINE_ALL)

  find_package(CLI11 REQUIRED)
  rookery_dependency(cli11 LINK CLI11::CLI11)
  rookery_find_library(ROOKERY_LIB_SQLITE libsqlite3-dev libsqlite3.a sqlite3)
  rookery_find_library(ROOKERY_LIB_RE2 libre2-dev libre2.a re2)
  rookery_dependency(tomlplusplus DEFINE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0)
  rookery_dependency(sqlite LINK ${ROOKERY_LIB_SQLITE} Threads::Threads ${CMAKE_DL_LIBS} m)
  rookery_dependency(re2 LINK ${ROOKERY_LIB_RE2} Threads::Threads)
endif()

include(cmake/dawn.cmake)
