#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs one bare-metal test program under QEMU's `virt` board, configured as Rookery's machine is.
#   run_qemu.sh XLEN SSTC PROGRAM.elf [SECONDS]      XLEN: 32 or 64; SSTC: on or off
# Ends with 0 (passed), 1 (failed: the program's own message is shown), 2 (timed out),
# 77 (skipped: no QEMU).
set -u
xlen=$1
sstc=$2
elf=$3
timeout_s=${4:-20}

qemu=qemu-system-riscv$xlen
if ! command -v "$qemu" >/dev/null 2>&1; then
  echo "Skipped: $qemu is missing (Debian: qemu-system-misc)."
  exit 77
fi
off="g=off,c=off,f=off,d=off,h=off,v=off,zba=off,zbb=off,zbc=off,zbs=off"
off="$off,svinval=off,svnapot=off,svpbmt=off,Zihintpause=off,pmp=off"
# Time follows instructions, at about Rookery's rate, and wfi does not wait: a run is deterministic.
timeout -k 2 "$timeout_s" "$qemu" -M virt -icount shift=3,sleep=off -m 16M -cpu "rv$xlen,$off,sstc=$sstc" -bios none -kernel "$elf" \
  -display none -monitor none -serial stdio -no-reboot </dev/null
status=$?
case $status in
0) exit 0 ;;
124 | 137)
  echo "Timed out after $timeout_s s."
  exit 2
  ;;
*)
  echo "The program failed under $qemu (exit status $status)."
  exit 1
  ;;
esac
