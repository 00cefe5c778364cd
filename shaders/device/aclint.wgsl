// SPDX-License-Identifier: Apache-2.0
// The core-local interruptor in SiFive's CLINT layout (which the ACLINT specification 1.0-rc4 splits
// into MSWI at 0 and MTIMER at 0x4000), for hart 0 alone: its software interrupt, its timer compare and
// the machine's clock. Registers of harts that do not exist read 0 and ignore writes. Accesses below
// 4 bytes are access faults, as in QEMU.
//
// The clock itself is made of retired steps (mtime_now()); writing it moves `aclint.mtime_offset`.

const ACLINT_MSIP: u32 = 0x0u;
const ACLINT_MTIMECMP_LO: u32 = 0x4000u;
const ACLINT_MTIMECMP_HI: u32 = 0x4004u;
const ACLINT_MTIME_LO: u32 = 0xbff8u;
const ACLINT_MTIME_HI: u32 = 0xbffcu;

fn aclint_load(offset: u32, size: u32) -> u32 {
  if (size != 2u) { bus_fault = true; return 0u; }
  var value = 0u;
  switch (offset) {
    case ACLINT_MSIP: {
      value = aclint.msip;
    }
    case ACLINT_MTIMECMP_LO: {
      value = dword_lo(aclint.mtimecmp);
    }
    case ACLINT_MTIMECMP_HI: {
      value = dword_hi(aclint.mtimecmp);
    }
    case ACLINT_MTIME_LO: {
      value = dword_lo(mtime_now());
    }
    case ACLINT_MTIME_HI: {
      value = dword_hi(mtime_now());
    }
    default: {
    }
  }
  return value;
}

fn aclint_store(offset: u32, size: u32, value: u32) {
  if (size != 2u) { bus_fault = true; return; }
  switch (offset) {
    case ACLINT_MSIP: {
      aclint.msip = value & 1u;
    }
    case ACLINT_MTIMECMP_LO: {
      aclint.mtimecmp = dword_make(value, dword_hi(aclint.mtimecmp));
    }
    case ACLINT_MTIMECMP_HI: {
      aclint.mtimecmp = dword_make(dword_lo(aclint.mtimecmp), value);
    }
    case ACLINT_MTIME_LO: {
      aclint_set_mtime(dword_make(value, dword_hi(mtime_now())));
    }
    case ACLINT_MTIME_HI: {
      aclint_set_mtime(dword_make(dword_lo(mtime_now()), value));
    }
    default: {
    }
  }
  request_poll();
}

fn aclint_set_mtime(wanted: dword) {
  aclint.mtime_offset = dword_add(aclint.mtime_offset, dword_sub(wanted, mtime_now()));
}
