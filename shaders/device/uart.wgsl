// SPDX-License-Identifier: Apache-2.0
// The serial port: an ns16550a with registers one byte apart, as Linux's 8250 driver, bare-metal
// programs and QEMU (hw/char/serial.c, the outside oracle) know it. The registers are those of the
// PC16550D data sheet, section 8.
//
// The transmitter is infinitely fast: THRE and TEMT always read 1, a byte written is in the console
// ring at once, and the "transmitter empty" interrupt is pending again right after. The receive FIFO
// `uart.rx` is filled by the host (src/device/uart) and by loopback. Baud rate, parity and modem lines
// are kept but change nothing. A receive interrupt comes with the first byte, whatever trigger level
// FCR asks for: waiting for more would need a timer and only delays the guest.
// An access of any size is one of a byte.

// Register offsets. The first two become the divisor latch while LCR.DLAB is set.
const UART_RBR_THR: u32 = 0u;     // read: receive buffer; write: transmit holding
const UART_IER: u32 = 1u;
const UART_IIR_FCR: u32 = 2u;     // read: interrupt identity; write: FIFO control
const UART_LCR: u32 = 3u;
const UART_MCR: u32 = 4u;
const UART_LSR: u32 = 5u;
const UART_MSR: u32 = 6u;
const UART_SCR: u32 = 7u;
const UART_REGISTERS: u32 = 8u;

const UART_IER_RDI: u32 = 0x01u;  // received data
const UART_IER_THRI: u32 = 0x02u; // transmitter empty
const UART_IER_RLSI: u32 = 0x04u; // receiver line status
const UART_IER_BITS: u32 = 0x0fu;

const UART_IIR_NONE: u32 = 0x01u;
const UART_IIR_THRI: u32 = 0x02u;
const UART_IIR_RDI: u32 = 0x04u;
const UART_IIR_RLSI: u32 = 0x06u;
const UART_IIR_FIFOS: u32 = 0xc0u; // reads 1 while the FIFOs are enabled: a 16550A

const UART_FCR_CLEAR_RX: u32 = 0x02u;
const UART_FCR_KEPT: u32 = 0xc9u;  // enable, DMA mode, trigger level; the clear bits clear themselves

const UART_LCR_DLAB: u32 = 0x80u;

const UART_MCR_DTR: u32 = 0x01u;
const UART_MCR_RTS: u32 = 0x02u;
const UART_MCR_OUT: u32 = 0x0cu;   // OUT1, OUT2
const UART_MCR_LOOP: u32 = 0x10u;
const UART_MCR_BITS: u32 = 0x1fu;

const UART_LSR_DR: u32 = 0x01u;    // data ready
const UART_LSR_OE: u32 = 0x02u;    // overrun; sticky until read
const UART_LSR_ERRORS: u32 = 0x1eu; // overrun, parity, framing, break
const UART_LSR_THRE: u32 = 0x20u;
const UART_LSR_TEMT: u32 = 0x40u;

const UART_MSR_CONNECTED: u32 = 0xb0u; // DCD, DSR, CTS: somebody is always at the other end

// The receive FIFO holds one byte, the RBR, while the FIFOs are disabled.
fn uart_rx_capacity() -> u32 {
  return select(1u, UART_FIFO_BYTES, (uart.fcr & UART_FCR_ENABLE) != 0u);
}

fn uart_rx_push(byte: u32) {
  if (uart.rx_count >= uart_rx_capacity()) {
    uart.lsr |= UART_LSR_OE;
    // Without FIFOs the new byte replaces the old one; a full FIFO keeps what it has.
    if ((uart.fcr & UART_FCR_ENABLE) != 0u) { return; }
    uart_rx_clear();
  }
  uart.rx[(uart.rx_head + uart.rx_count) & (UART_FIFO_BYTES - 1u)] = byte & 0xffu;
  uart.rx_count += 1u;
}

// Takes the oldest byte out. 0 when there is none. Used by the SBI's console too.
fn uart_rx_pop() -> u32 {
  if (uart.rx_count == 0u) { return 0u; }
  let byte = uart.rx[uart.rx_head & (UART_FIFO_BYTES - 1u)];
  uart.rx_head = (uart.rx_head + 1u) & (UART_FIFO_BYTES - 1u);
  uart.rx_count -= 1u;
  return byte;
}

fn uart_rx_clear() {
  uart.rx_head = 0u;
  uart.rx_count = 0u;
}

// Fills the empty FIFO from what the host has queued. Called at every poll; whatever empties the FIFO asks for one,
// so that what is typed enters at the same step on every engine.
fn uart_refill() {
  if (uart.rx_count != 0u) { return; }
  let count = min(input_left(), uart_rx_capacity());
  for (var i = 0u; i < count; i++) { uart_rx_push(input_take()); }
  if (input_left() == 0u) {
    if (input_wants_more()) { exit_raise(EXIT_INPUT, 0u, 0u); }
  }
}

// The interrupt that IIR names: line status, then received data, then transmitter empty. Modem status
// never changes, so it never interrupts.
fn uart_interrupt_id() -> u32 {
  if (((uart.ier & UART_IER_RLSI) != 0u) && ((uart.lsr & UART_LSR_ERRORS) != 0u)) { return UART_IIR_RLSI; }
  if (((uart.ier & UART_IER_RDI) != 0u) && (uart.rx_count != 0u)) { return UART_IIR_RDI; }
  if (((uart.ier & UART_IER_THRI) != 0u) && (uart.thre_pending != 0u)) { return UART_IIR_THRI; }
  return UART_IIR_NONE;
}

fn uart_irq() -> bool {
  return uart_interrupt_id() != UART_IIR_NONE;
}

fn uart_load(offset: u32, size: u32) -> u32 {
  if (offset >= UART_REGISTERS) { bus_fault = true; return 0u; }
  let dlab = (uart.lcr & UART_LCR_DLAB) != 0u;
  var value = 0u;
  switch (offset) {
    case UART_RBR_THR: {
      if (dlab) {
        value = uart.divisor & 0xffu;
      } else {
        value = uart_rx_pop();
        request_poll();
      }
    }
    case UART_IER: {
      value = select(uart.ier, (uart.divisor >> 8u) & 0xffu, dlab);
    }
    case UART_IIR_FCR: {
      value = uart_interrupt_id();
      if (value == UART_IIR_THRI) {  // reading the identity acknowledges this one
        uart.thre_pending = 0u;
        request_poll();
      }
      if ((uart.fcr & UART_FCR_ENABLE) != 0u) { value |= UART_IIR_FIFOS; }
    }
    case UART_LCR: {
      value = uart.lcr;
    }
    case UART_MCR: {
      value = uart.mcr;
    }
    case UART_LSR: {
      value = uart.lsr | UART_LSR_THRE | UART_LSR_TEMT;
      if (uart.rx_count != 0u) { value |= UART_LSR_DR; }
      if (uart.lsr != 0u) {
        uart.lsr = 0u;
        request_poll();
      }
    }
    case UART_MSR: {
      value = UART_MSR_CONNECTED;
      if ((uart.mcr & UART_MCR_LOOP) != 0u) {
        // The outputs are wired to the inputs: OUT1 RI, OUT2 DCD, RTS CTS, DTR DSR.
        value = ((uart.mcr & UART_MCR_OUT) << 4u) | ((uart.mcr & UART_MCR_RTS) << 3u) |
                ((uart.mcr & UART_MCR_DTR) << 5u);
      }
    }
    default: {  // UART_SCR
      value = uart.scr;
    }
  }
  return value;
}

fn uart_store(offset: u32, size: u32, value: u32) {
  if (offset >= UART_REGISTERS) { bus_fault = true; return; }
  let byte = value & 0xffu;
  let dlab = (uart.lcr & UART_LCR_DLAB) != 0u;
  switch (offset) {
    case UART_RBR_THR: {
      if (dlab) {
        uart.divisor = (uart.divisor & 0xff00u) | byte;
      } else {
        uart_transmit(byte);
      }
    }
    case UART_IER: {
      if (dlab) {
        uart.divisor = (uart.divisor & 0x00ffu) | (byte << 8u);
      } else {
        // The transmitter is empty, so enabling its interrupt raises it.
        if (((byte ^ uart.ier) & UART_IER_THRI) != 0u) { uart.thre_pending = (byte & UART_IER_THRI) >> 1u; }
        uart.ier = byte & UART_IER_BITS;
        request_poll();
      }
    }
    case UART_IIR_FCR: {
      // Turning the FIFOs on or off empties them.
      if (((byte & UART_FCR_CLEAR_RX) != 0u) || (((byte ^ uart.fcr) & UART_FCR_ENABLE) != 0u)) {
        uart_rx_clear();
      }
      uart.fcr = byte & UART_FCR_KEPT;
      request_poll();
    }
    case UART_LCR: {
      uart.lcr = byte;
    }
    case UART_MCR: {
      uart.mcr = byte & UART_MCR_BITS;
    }
    case UART_SCR: {
      uart.scr = byte;
    }
    default: {  // LSR and MSR are read-only
    }
  }
}

fn uart_transmit(byte: u32) {
  if ((uart.mcr & UART_MCR_LOOP) != 0u) {
    uart_rx_push(byte);
  } else {
    if (console_room() == 0u) {
      exit_retry(EXIT_CONSOLE_FULL, 0u);
      return;
    }
    console_print(byte);
  }
  uart.thre_pending = 1u;
  request_poll();
}
