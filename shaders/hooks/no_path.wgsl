// SPDX-License-Identifier: Apache-2.0
// GPU only: hooks/path.wgsl where there is no path. A compiler leaves nothing of it.

const path_followed: bool = false;
var<private> path_index: u32;

fn path_load() {
}

fn path_find() {
}

fn path_compare(pc: xlen) {
}
