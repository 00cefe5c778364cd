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
  include(cmake/RookeryLibraries.cmake)
  rookery_dependency(fmt LINK fmt::fmt)
  rookery_dependency(json LINK nlohmann_json::nlohmann_json)
  rookery_dependency(fdt LINK Rookery::lib_fdt)
  rookery_dependency(elf LINK Rookery::lib_elf Rookery::lib_z)
  rookery_dependency(zstd LINK Rookery::lib_zstd Threads::Threads)
  rookery_dependency(xxhash DEFINE XXH_INLINE_ALL)

  find_package(CLI11 REQUIRED)
  rookery_dependency(cli11 LINK CLI11::CLI11)
  rookery_dependency(tomlplusplus DEFINE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0)
  rookery_dependency(sqlite LINK Rookery::lib_sqlite3 Threads::Threads ${CMAKE_DL_LIBS} m)
  rookery_dependency(re2 LINK Rookery::lib_re2 Threads::Threads)
endif()

include(cmake/dawn.cmake)
