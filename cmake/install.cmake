# SPDX-License-Identifier: Apache-2.0
# What 'cmake --install build --prefix P' makes (docs/library.md). All of it may be moved together.
#
#   bin/rookery                the program; looks for share/rookery and Dawn from where it lies itself
#   share/rookery/images       the images that come with it
#   include/rookery            one include directory, with the paths of src/: "machine/machine.h"
#   lib                        the static libraries, and Dawn
#   lib/cmake/Rookery          find_package(Rookery CONFIG): the target Rookery::rookery
#
# How to add a library: name it in `libraries`, if other programs have a use for it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(libraries base isa device shaders gpu engine engine_cpu engine_gpu machine debug fleet sweep runner)
set(dependencies fmt json fdt elf zstd xxhash tomlplusplus sqlite re2)
if(ROOKERY_GPU)
  list(APPEND libraries dawn)
  list(APPEND dependencies dawn)
endif()

# All of them under one name.
list(TRANSFORM libraries PREPEND rookery_ OUTPUT_VARIABLE targets)
add_library(rookery_all INTERFACE)
target_link_libraries(rookery_all INTERFACE ${targets})
target_compile_features(rookery_all INTERFACE cxx_std_23)
set_target_properties(rookery_all PROPERTIES EXPORT_NAME rookery)
foreach(name IN LISTS libraries)
  set_target_properties(rookery_${name} PROPERTIES EXPORT_NAME ${name})
endforeach()
list(TRANSFORM dependencies PREPEND rookery_dep_)
set(headers "${CMAKE_INSTALL_INCLUDEDIR}/rookery")
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/Rookery")
install(TARGETS rookery_all ${targets} ${dependencies} rookery_webgpu_header EXPORT RookeryTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" INCLUDES DESTINATION "${headers}")
install(EXPORT RookeryTargets NAMESPACE Rookery:: DESTINATION "${package}")

install(DIRECTORY src/ DESTINATION "${headers}" FILES_MATCHING PATTERN "*.h"
  PATTERN src/bench EXCLUDE PATTERN src/cli EXCLUDE PATTERN src/fuzz EXCLUDE
  PATTERN "machine_core*" EXCLUDE PATTERN "machine_probe_core.h" EXCLUDE PATTERN "cpu_machine.h" EXCLUDE)
install(DIRECTORY isa DESTINATION "${headers}" FILES_MATCHING PATTERN "*.def")

set(bundled_dawn OFF)
if(ROOKERY_GPU AND NOT Dawn_FOUND)
  set(bundled_dawn ON)
  cmake_path(GET dawn_npm_library FILENAME dawn_file)
  install(PROGRAMS "${dawn_npm_library}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(FILES "${ROOKERY_DAWN_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/rookery/licences" RENAME dawn.txt)
  file(REAL_PATH "${dawn_npm_header}" header)
  install(FILES "${header}" DESTINATION "${headers}/webgpu")
endif()
configure_package_config_file(cmake/RookeryConfig.cmake.in "${CMAKE_BINARY_DIR}/RookeryConfig.cmake"
  INSTALL_DESTINATION "${package}" PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/RookeryConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES cmake/RookeryLibraries.cmake "${CMAKE_BINARY_DIR}/RookeryConfig.cmake"
  "${CMAKE_BINARY_DIR}/RookeryConfigVersion.cmake" DESTINATION "${package}")

if(TARGET rookery)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_FULL_BINDIR}" OUTPUT_VARIABLE to_lib)
  set_target_properties(rookery PROPERTIES INSTALL_RPATH "$ORIGIN/${to_lib}")
  install(TARGETS rookery RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY images DESTINATION "${CMAKE_INSTALL_DATADIR}/rookery")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/rookery/licences" RENAME rookery.txt)
