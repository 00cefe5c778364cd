// SPDX-License-Identifier: Apache-2.0
// Eight virtio-mmio transports with nothing plugged in (virtio 1.2, section 4.2.2). A driver that
// probes one finds the magic number, version 2 and device id 0, "no device", and goes on. As in QEMU
// (hw/virtio/virtio-mmio.c) the rest reads 0 and writes are ignored, at any size.

const VIRTIO_SLOT_BYTES: u32 = 0x1000u;
const VIRTIO_MAGIC_VALUE: u32 = 0x000u;
const VIRTIO_VERSION: u32 = 0x004u;
const VIRTIO_VENDOR_ID: u32 = 0x00cu;

const VIRTIO_MAGIC: u32 = 0x74726976u;   // "virt"
const VIRTIO_MODERN: u32 = 2u;           // 1 would be the legacy interface
const VIRTIO_VENDOR: u32 = 0x554d4551u;  // "QEMU": the board's vendor, whoever implements it

fn virtio_load(offset: u32, size: u32) -> u32 {
  var value = 0u;
  switch (offset & (VIRTIO_SLOT_BYTES - 1u)) {
    case VIRTIO_MAGIC_VALUE: {
      value = VIRTIO_MAGIC;
    }
    case VIRTIO_VERSION: {
      value = VIRTIO_MODERN;
    }
    case VIRTIO_VENDOR_ID: {
      value = VIRTIO_VENDOR;
    }
    default: {
    }
  }
  if (size == 0u) { value &= 0xffu; }
  if (size == 1u) { value &= 0xffffu; }
  return value;
}

fn virtio_store(offset: u32, size: u32, value: u32) {
}
