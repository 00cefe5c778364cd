# SPDX-License-Identifier: Apache-2.0
# How Rookery's targets are made: one set of options, and one function for a library.

# Everything that compiles our own code links this: it carries our warnings. Programs that link what is installed
# do not see it.
add_library(rookery_options INTERFACE)
target_include_directories(rookery_options INTERFACE
  "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}" "${ROOKERY_GENERATED_DIR}")
target_compile_options(rookery_options INTERFACE -Wall -Wextra -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT ROOKERY_WASM)
  # libstdc++ 12's std::stable_sort uses what libstdc++ 12 deprecates; clang shows it, GCC does not.
  target_compile_options(rookery_options INTERFACE -Wno-deprecated-declarations)
endif()
if(ROOKERY_SANITIZE)
  # As global flags, for GoogleTest's main and ours must agree on them.
  add_compile_options(-fsanitize=${ROOKERY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ROOKERY_SANITIZE})
endif()

# mold or lld link in a tenth of the time of GNU ld.
if(NOT ROOKERY_WASM)
  foreach(linker mold lld)
    find_program(ROOKERY_LINKER_${linker} NAMES ${linker} ld.${linker})
    mark_as_advanced(ROOKERY_LINKER_${linker})
    if(ROOKERY_LINKER_${linker})
      add_link_options(-fuse-ld=${linker})
      break()
    endif()
  endforeach()
endif()

# Makes the library NAME from the *.cpp files beside the calling CMakeLists.txt (and below it, if RECURSE is
# said), plus EXTRA sources (generated ones). LINK names what its headers need too, so it is always PUBLIC.
# Without sources it is an interface library, so that a folder may be begun with headers.
# For wasm32 it is an object library: compiled, never archived or linked.
function(rookery_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "RECURSE" "" "LINK;EXTRA")
  set(how GLOB)
  if(arg_RECURSE)
    set(how GLOB_RECURSE)
  endif()
  file(${how} sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(APPEND sources ${arg_EXTRA})
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE $<BUILD_INTERFACE:rookery_options> ${arg_LINK})
    return()
  endif()
  if(ROOKERY_WASM)
    add_library(${name} OBJECT ${sources})
  else()
    add_library(${name} STATIC ${sources})
  endif()
  target_link_libraries(${name} PUBLIC $<BUILD_INTERFACE:rookery_options> ${arg_LINK})
endfunction()
