// SPDX-License-Identifier: Apache-2.0
// The serial port as drivers see it, and its input from the host.
#include "device/uart/uart.h"

#include <gtest/gtest.h>

#include "device/bare_devices.h"

namespace rookery::device {
namespace {

using M = BareDevices32;
using isa::UART_BASE;
using isa::UART_FCR_ENABLE;

constexpr u32 kContextS = 1;

void type(M& m, std::string_view text) {
  const std::span bytes(reinterpret_cast<const u8*>(text.data()), text.size());
  EXPECT_EQ(uart_push_input(m.uart, bytes), text.size());
  m.request_poll();
}

u32 read(M& m, u32 reg) { return m.load8(UART_BASE + reg); }
void write(M& m, u32 reg, u32 value) { m.store8(UART_BASE + reg, value); }

TEST(Uart, PrintsAndIsReadyAtOnce) {
  M m;
  for (char c : std::string_view("hello")) {
    EXPECT_EQ(read(m, M::UART_LSR), M::UART_LSR_THRE | M::UART_LSR_TEMT);
    write(m, M::UART_RBR_THR, static_cast<u8>(c));
  }
  EXPECT_EQ(m.console, "hello");
}

TEST(Uart, AFullConsoleHasTheStoreRetriedAndChangesNothing) {
  M m;
  m.room = 0;
  const auto before = m.uart;
  write(m, M::UART_RBR_THR, 'x');
  EXPECT_EQ(m.retries, 1u);
  EXPECT_EQ(m.machine.run_state, isa::EXIT_CONSOLE_FULL);
  EXPECT_EQ(m.console, "");
  EXPECT_EQ(m.uart.thre_pending, before.thre_pending);
}

TEST(Uart, AnAccessOfAnySizeIsOneOfAByte) {
  M m;
  m.bus_store(UART_BASE + M::UART_SCR, 0, 0xa5);
  EXPECT_EQ(m.bus_load(UART_BASE + M::UART_SCR, 0), 0xa5u);
  m.bus_store(UART_BASE + M::UART_IER, 0, 0);
  m.bus_store(UART_BASE + M::UART_MCR, 2, 0xffffff0b);
  EXPECT_EQ(m.bus_load(UART_BASE + M::UART_MCR, 2), 0x0bu);
}

TEST(Uart, NothingIsBeyondItsEightRegisters) {
  M m;
  EXPECT_FALSE(m.faults(UART_BASE + M::UART_SCR, 0));
  EXPECT_TRUE(m.faults(UART_BASE + M::UART_REGISTERS, 0));
}

TEST(Uart, DivisorLatchHidesThrAndIer) {
  M m;
  write(m, M::UART_LCR, M::UART_LCR_DLAB | 3);
  write(m, M::UART_RBR_THR, 0x34);
  write(m, M::UART_IER, 0x12);
  EXPECT_EQ(m.uart.divisor, 0x1234u);
  EXPECT_EQ(read(m, M::UART_RBR_THR), 0x34u);
  EXPECT_EQ(read(m, M::UART_IER), 0x12u);
  write(m, M::UART_LCR, 3);
  EXPECT_EQ(read(m, M::UART_IER), 0u);
  EXPECT_EQ(m.console, "");
}

// What Linux's 8250 autoconfiguration looks at (drivers/tty/serial/8250/8250_port.c, autoconfig()).
TEST(Uart, LooksLikeA16550A) {
  M m;
  write(m, M::UART_IER, 0);
  EXPECT_EQ(read(m, M::UART_IER) & 0x0f, 0u);
  write(m, M::UART_IER, 0x0f);
  EXPECT_EQ(read(m, M::UART_IER) & 0x0f, 0x0fu);
  write(m, M::UART_IER, 0);

  write(m, M::UART_MCR, M::UART_MCR_LOOP | 0x0a);
  EXPECT_EQ(read(m, M::UART_MSR) & 0xf0, 0x90u);  // RTS to CTS, OUT2 to DCD
  write(m, M::UART_MCR, 0);

  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE);
  EXPECT_EQ(read(m, M::UART_IIR_FCR) >> 6, 3u);  // FIFOs that work
  write(m, M::UART_IER, 0x40);                   // an XScale would keep this bit
  EXPECT_EQ(read(m, M::UART_IER), 0u);
}

// Its test for UARTs that do not raise "transmitter empty" again (serial8250_THRE_test()).
TEST(Uart, EnablingTheTransmitInterruptRaisesItEveryTime) {
  M m;
  for (int i = 0; i < 2; ++i) {
    write(m, M::UART_IER, M::UART_IER_THRI);
    EXPECT_TRUE(m.uart_irq());
    EXPECT_EQ(read(m, M::UART_IIR_FCR), M::UART_IIR_THRI);
    EXPECT_EQ(read(m, M::UART_IIR_FCR), M::UART_IIR_NONE) << "reading acknowledges";
    EXPECT_FALSE(m.uart_irq());
    write(m, M::UART_IER, 0);
  }
  write(m, M::UART_IER, M::UART_IER_THRI);
  read(m, M::UART_IIR_FCR);
  write(m, M::UART_RBR_THR, 'x');
  EXPECT_TRUE(m.uart_irq()) << "a byte sent raises it again";
}

TEST(Uart, ReceivedDataOutranksAnEmptyTransmitter) {
  M m;
  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE);
  write(m, M::UART_IER, M::UART_IER_RDI | M::UART_IER_THRI);
  type(m, "ab");
  EXPECT_EQ(read(m, M::UART_IIR_FCR) & 0x0f, M::UART_IIR_RDI);
  EXPECT_NE(read(m, M::UART_LSR) & M::UART_LSR_DR, 0u);
  EXPECT_EQ(read(m, M::UART_RBR_THR), u32{'a'});
  EXPECT_EQ(read(m, M::UART_IIR_FCR) & 0x0f, M::UART_IIR_RDI);
  EXPECT_EQ(read(m, M::UART_RBR_THR), u32{'b'});
  EXPECT_EQ(read(m, M::UART_LSR) & M::UART_LSR_DR, 0u);
  EXPECT_EQ(read(m, M::UART_IIR_FCR) & 0x0f, M::UART_IIR_THRI);
  EXPECT_EQ(read(m, M::UART_RBR_THR), 0u) << "an empty FIFO reads 0";
}

TEST(Uart, LoopbackSendsToItselfAndOverrunsWhenNobodyReads) {
  M m;
  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE);
  write(m, M::UART_IER, M::UART_IER_RLSI);
  write(m, M::UART_MCR, M::UART_MCR_LOOP);
  for (u32 i = 0; i < isa::UART_FIFO_BYTES; ++i) write(m, M::UART_RBR_THR, i);
  EXPECT_FALSE(m.uart_irq());
  write(m, M::UART_RBR_THR, 99);
  EXPECT_EQ(read(m, M::UART_IIR_FCR) & 0x0f, M::UART_IIR_RLSI);
  EXPECT_NE(read(m, M::UART_LSR) & M::UART_LSR_OE, 0u);
  EXPECT_EQ(read(m, M::UART_LSR) & M::UART_LSR_OE, 0u) << "reading clears it";
  for (u32 i = 0; i < isa::UART_FIFO_BYTES; ++i) EXPECT_EQ(read(m, M::UART_RBR_THR), i);
  EXPECT_EQ(m.console, "");
}

TEST(Uart, WithoutFifosANewByteReplacesTheOld) {
  M m;
  write(m, M::UART_MCR, M::UART_MCR_LOOP);
  write(m, M::UART_RBR_THR, 'a');
  write(m, M::UART_RBR_THR, 'b');
  EXPECT_NE(read(m, M::UART_LSR) & M::UART_LSR_OE, 0u);
  EXPECT_EQ(read(m, M::UART_RBR_THR), u32{'b'});
  EXPECT_EQ(m.uart.rx_count, 0u);
}

TEST(Uart, FifoControlEmptiesTheReceiver) {
  M m;
  type(m, "a");
  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE);
  EXPECT_EQ(m.uart.rx_count, 0u) << "switching the FIFOs on";
  type(m, "abc");
  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE);
  EXPECT_EQ(m.uart.rx_count, 3u) << "no change";
  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE | M::UART_FCR_CLEAR_RX);
  EXPECT_EQ(m.uart.rx_count, 0u) << "the clear bit";
  EXPECT_EQ(m.uart.fcr, UART_FCR_ENABLE) << "which does not stay";
}

TEST(UartInput, FillsTheFifoAndNoMore) {
  M m;
  write(m, M::UART_IIR_FCR, UART_FCR_ENABLE);
  std::array<u8, 40> bytes;
  for (u32 i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<u8>(i);
  std::span<const u8> rest(bytes);
  u32 expected = 0;
  while (!rest.empty()) {  // in odd pieces, so that the ring goes round
    rest = rest.subspan(uart_push_input(m.uart, rest));
    EXPECT_LE(m.uart.rx_count, isa::UART_FIFO_BYTES);
    for (int i = 0; i < 5 && m.uart.rx_count != 0; ++i) {
      EXPECT_EQ(read(m, M::UART_RBR_THR), expected++);
    }
  }
  EXPECT_EQ(uart_push_input(m.uart, {}), 0u);
  EXPECT_EQ(m.uart.lsr, 0u) << "no overrun";
}

TEST(UartInput, TakesOneByteWhileTheFifosAreOff) {
  M m;
  const std::array<u8, 3> bytes = {'a', 'b', 'c'};
  EXPECT_EQ(uart_push_input(m.uart, bytes), 1u);
  EXPECT_EQ(uart_push_input(m.uart, bytes), 0u);
  // The host has no access to the module's constants; its capacity must be the module's.
  EXPECT_EQ(m.uart_rx_capacity(), 1u);
  m.uart.fcr = UART_FCR_ENABLE;
  EXPECT_EQ(uart_push_input(m.uart, bytes), 3u);
  EXPECT_EQ(m.uart_rx_capacity(), isa::UART_FIFO_BYTES);
}

TEST(UartInput, InterruptsThroughThePlic) {
  M m;
  m.store32(isa::PLIC_BASE + 4 * isa::UART_IRQ, 1);
  m.store32(isa::PLIC_BASE + M::PLIC_ENABLE + M::PLIC_ENABLE_STRIDE, 1u << isa::UART_IRQ);
  write(m, M::UART_IER, M::UART_IER_RDI);
  EXPECT_FALSE(m.plic_pending(kContextS));
  m.polls = 0;
  type(m, "a");
  EXPECT_TRUE(m.plic_pending(kContextS));
  EXPECT_FALSE(m.plic_pending(0));
  EXPECT_GT(m.polls, 0u);
  read(m, M::UART_RBR_THR);
  EXPECT_FALSE(m.plic_pending(kContextS));
}

}  // namespace
}  // namespace rookery::device
