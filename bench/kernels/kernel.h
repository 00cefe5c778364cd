// SPDX-License-Identifier: Apache-2.0
//
// What a kernel of `rookery bench` is: freestanding RV32IMA code that sets itself up from a seed
// and then repeats a round of work for ever. start.S calls these two; the result of the last round
// and the number of rounds stand in memory at kResultAddress, so that runs can be compared.
//
// Owns nothing but its static data; no libraries, no floating point, no misaligned access.
#pragma once

typedef unsigned int u32;
typedef unsigned char u8;

// Called once. Machines with different seeds take different paths.
void kernel_setup(u32 seed);

// One round; the checksum of everything so far.
u32 kernel_round(void);

// A linear congruential generator's next state.
static inline u32 next_random(u32 x) { return x * 1664525u + 1013904223u; }
