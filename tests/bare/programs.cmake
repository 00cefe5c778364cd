# SPDX-License-Identifier: Apache-2.0
# The bare-metal test programs: one row each.
#
#   bare_program(NAME XLEN... [FLAGS...])
#     XLEN           32, 64 or both: built for each
#     ROOKERY_ONLY   is not run under QEMU; the program's opening comment says why
#     SSTC           wants the supervisor timer (Rookery has it; QEMU is told to)
#     STEPS n        how many steps suffice on Rookery (1,000,000 unless told)
#
# How to add one: see common.h.

# RV32I/RV64I, M, A
bare_program(i_alu_32 32)
bare_program(i_alu_64 64)
bare_program(i_alu_w_64 64)
bare_program(m_32 32)
bare_program(m_64 64)
bare_program(m_w_64 64)
bare_program(alu_sweep_32 32 STEPS 2000000)
bare_program(alu_sweep_64 64 STEPS 4000000)
bare_program(random_code 32 64)
bare_program(user_programs 32 64)
bare_program(i_branch 32 64)
bare_program(i_memory 32 64)
bare_program(a 32 64)
bare_program(reservation 32 64)
bare_program(reservation_trap 32 64)
bare_program(self_modify 32 64)
bare_program(self_modify_no_fence 32 64 ROOKERY_ONLY)

# Exceptions
bare_program(illegal 32 64)
bare_program(illegal_16bit 32 64)
bare_program(jump_misaligned 32 64)
bare_program(jump_misaligned_direct 32 64 ROOKERY_ONLY)
bare_program(memory_misaligned 32 64 ROOKERY_ONLY)
bare_program(amo_misaligned 32 64 ROOKERY_ONLY)
bare_program(access_fault 32 64)
bare_program(access_fault_rookery 32 64 ROOKERY_ONLY)

# Modes, traps, CSRs
bare_program(trap_modes 32 64)
bare_program(trap_rookery 32 64 ROOKERY_ONLY)
bare_program(delegation 32 64)
bare_program(csr_machine 32 64)
bare_program(csr_supervisor 32 64)
bare_program(csr_access 32 64)
bare_program(counters 32 64)
bare_program(sstc 32 64 SSTC)

# Interrupts and devices
bare_program(interrupts 32 64)
bare_program(interrupt_priority 32 64 ROOKERY_ONLY)
bare_program(timer_storm 32 64)
bare_program(wfi 32 64)
bare_program(clint 32 64)
bare_program(plic 32 64)
bare_program(uart 32 64)
bare_program(bus 32 64)

# For gdb
bare_program(debugger 32 64)

# Sv32
bare_program(sv32_permissions 32)
bare_program(sv32_faults 32)
bare_program(sv32_accessed_dirty 32)
bare_program(sv32_superpage 32)
bare_program(sv32_switch 32)
bare_program(sv32_mprv 32)
bare_program(sv32_access 32)
bare_program(sv32_page_cross 32)
bare_program(sv32_rookery 32 ROOKERY_ONLY)
bare_program(sv32_stale 32 ROOKERY_ONLY)
bare_program(mini_kernel 32 STEPS 2000000)

# The kernels of `rookery bench`, three rounds each from seed 7:
#   bare_kernel(NAME FLAVOUR ROUNDS CHECKSUM STEPS), CHECKSUM as the same C code has it on a host.
bare_kernel(integer flat 3 0xa3e9b345 1000000)
bare_kernel(integer sv32 3 0xa3e9b345 1000000)
bare_kernel(branch flat 3 0xf67f8472 1000000)
bare_kernel(branch sv32 3 0xf67f8472 1000000)
bare_kernel(memory flat 3 0x8d45f05e 1000000)
bare_kernel(memory sv32 3 0x8d45f05e 1000000)
