#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the kernels of `rookery bench`, so that prebuilt/ can be renewed and checked:
#   build.sh                 all kernels into prebuilt/
#   build.sh DIRECTORY       all kernels into DIRECTORY
#   build.sh --check         into a folder of its own; fails if prebuilt/ differs
#   build.sh --one KERNEL FLAVOUR OUTPUT [FLAG...]   one of them, with further compiler flags
# Ends with 77 if the cross compiler is missing. Compiler: Debian 12's gcc-riscv64-unknown-elf.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
gcc=${ROOKERY_CROSS_GCC:-riscv64-unknown-elf-gcc}
kernels="integer branch memory"
flavours="flat sv32"

if ! command -v "$gcc" >/dev/null 2>&1; then
  echo "Skipped: $gcc is missing (Debian: gcc-riscv64-unknown-elf)."
  exit 77
fi

one() {
  kernel=$1
  flavour=$2
  output=$3
  shift 3
  [ "$flavour" = sv32 ] && set -- -DKERNEL_SV32 "$@"
  "$gcc" -march=rv32ima_zicsr_zifencei -mabi=ilp32 -mcmodel=medany -msmall-data-limit=0 \
    -O2 -ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables \
    -Wall -Wextra -Werror -nostdlib -static -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
    -Wl,-z,max-page-size=64 -T "$here/link.ld" "$@" "$here/start.S" "$here/$kernel.c" -o "$output"
}

all() {
  mkdir -p "$1"
  for kernel in $kernels; do
    for flavour in $flavours; do
      one "$kernel" "$flavour" "$1/${kernel}_$flavour.elf" -s
    done
  done
}

case ${1:-} in
--one)
  shift
  one "$@"
  ;;
--check)
  fresh=$(mktemp -d)
  trap 'rm -rf "$fresh"' EXIT
  all "$fresh"
  for kernel in $kernels; do
    for flavour in $flavours; do
      if ! cmp "$fresh/${kernel}_$flavour.elf" "$here/prebuilt/${kernel}_$flavour.elf"; then
        echo "prebuilt/${kernel}_$flavour.elf is not what its source makes. Run bench/kernels/build.sh."
        exit 1
      fi
    done
  done
  ;;
*)
  all "${1:-$here/prebuilt}"
  ;;
esac
