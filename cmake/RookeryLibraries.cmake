# SPDX-License-Identifier: Apache-2.0
# The libraries that bring no CMake package of their own, as Rookery::lib_NAME: for Rookery's own build, and, installed,
# for programs that link it. The static ones, where there are any.
foreach(entry IN ITEMS fdt:libfdt-dev elf:libelf-dev z:zlib1g-dev zstd:libzstd-dev
    sqlite3:libsqlite3-dev re2:libre2-dev)
  string(REPLACE ":" ";" entry "${entry}")
  list(GET entry 0 name)
  list(GET entry 1 package)
  string(TOUPPER "ROOKERY_LIB_${name}" variable)
  find_library(${variable} NAMES lib${name}.a ${name})
  mark_as_advanced(${variable})
  if(NOT ${variable})
    message(FATAL_ERROR "The library ${name} was not found; it is in Debian's package ${package}.")
  endif()
  if(NOT TARGET Rookery::lib_${name})
    add_library(Rookery::lib_${name} UNKNOWN IMPORTED)
    set_target_properties(Rookery::lib_${name} PROPERTIES IMPORTED_LOCATION "${${variable}}")
  endif()
endforeach()
