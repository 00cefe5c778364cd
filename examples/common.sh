# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What run.sh of each example needs. It is sourced from its own folder; what is made goes to out/.
set -euo pipefail
rookery=${ROOKERY:-../../build/rookery}
if ! [ -x "$rookery" ]; then
  echo "There is no program \"$rookery\": build it with ./dev build, or name it in ROOKERY." >&2
  exit 1
fi
mkdir -p out

# compile NAME: NAME.c becomes out/NAME, a static program for 32-bit RISC-V Linux. It has no C library.
compile() {
  local cc=riscv64-unknown-elf-gcc
  if ! command -v "$cc" > /dev/null; then
    echo "There is no $cc: apt install gcc-riscv64-unknown-elf." >&2
    exit 1
  fi
  "$cc" -march=rv32ima -mabi=ilp32 -O2 -static -nostdlib -ffreestanding -Wall -Wextra -Werror \
    -I.. -Wl,-z,max-page-size=4096 -o "out/$1" "$1.c"
}

# type_program NAME: prints what somebody would type to have out/NAME as /NAME in the guest.
type_program() {
  echo "base64 -d > /$1 << END"
  riscv64-unknown-elf-strip -o "out/$1.stripped" "out/$1"
  base64 "out/$1.stripped"
  echo "END"
  echo "chmod +x /$1"
}

# snapshot NAME TEXT: boots the default image, types what comes in on standard input, and stores the machine as
# out/NAME.rook when the guest has printed TEXT.
snapshot() {
  cat > "out/$1.typed"
  "$rookery" run --engine cpu --snapshot-on "$2" -o "out/$1.rook" < "out/$1.typed" > "out/$1.console"
}
