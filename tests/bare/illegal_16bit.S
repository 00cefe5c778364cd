// SPDX-License-Identifier: Apache-2.0
//
// Without the C extension a 16-bit encoding (low bits other than 11) is an illegal instruction;
// mtval is the actual instruction, that is, the low 16 bits of the word at pc.
#include "common.h"

TEST_BEGIN
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x0001, .word 0x00010001) // c.nop c.nop
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x8082, .word 0x80828082) // c.ret c.ret
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x0001, .word 0x00130001) // c.nop, then half of an addi
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x4501, .word 0x12344501) // c.li
  EXPECT_TRAP(CAUSE_ILLEGAL, 0xa009, .word 0x9002a009) // c.j
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x9002, .word 0x90029002) // c.ebreak
  EXPECT_TRAP(CAUSE_ILLEGAL, 0xfffe, .word 0xfffffffe)
  EXPECT_TRAP(CAUSE_ILLEGAL, 0xfffd, .word 0xfffffffd)
  EXPECT_TRAP(CAUSE_ILLEGAL, 0xfffc, .word 0xfffffffc)
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x0001, .word 0x00000001)
  EXPECT_TRAP(CAUSE_ILLEGAL, 0x0010, .word 0x00000010) // an addi with its low bits cleared
  TEST_END
