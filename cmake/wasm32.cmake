# SPDX-License-Identifier: Apache-2.0
# Toolchain file for wasm32: Debian's clang-19, wasi-libc and libc++-19-dev-wasm32, as in a browser tab:
# no threads, no exceptions, no file system of our own.
#
# Objects are all that is made. The host's /usr/include never gets onto the include path, for its
# glibc headers would answer for wasi-libc's; cmake/wasm32_headers.cmake links the few that may be seen.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_FLAGS_INIT "-stdlib=libc++ -fno-exceptions -fno-threadsafe-statics")
