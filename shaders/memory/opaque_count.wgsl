// SPDX-License-Identifier: Apache-2.0
// GPU only. Who imports this declares params.vm_count.

// `count`, without the compiler knowing it. A loop up to it is not unrolled, which would hold hundreds of
// loads in registers at once and leave room for fewer machines on a processor.
fn opaque_count(count: u32) -> u32 {
  return count + (params.vm_count >> 31u);
}
