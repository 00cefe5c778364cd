// SPDX-License-Identifier: Apache-2.0
// The TCP socket that gdb comes to. One client at a time; others are turned away. Never waits:
// exchange() moves what can be moved now. Knows nothing of packets: the bytes are GdbServer's.
//
// Errors: usage for an address that is none, io for one that cannot be listened at. A client that
// fails is gone, no error.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/console.h"
#include "debug/gdb_server.h"

namespace rookery::cli {

// [HOST:]PORT, as --gdb takes it: "1234", "0", "192.168.1.7:1234", "[::1]:1234".
struct GdbAddress {
  std::string host = "127.0.0.1";
  u32 port = 0;  // 0: any that is free
};
Result<GdbAddress> parse_gdb_address(std::string_view text);

class GdbListener {
 public:
  static Result<std::unique_ptr<GdbListener>> open(const GdbAddress& address);
  ~GdbListener();
  GdbListener(const GdbListener&) = delete;
  GdbListener& operator=(const GdbListener&) = delete;

  // Where it listens, as gdb's `target remote` takes it.
  const std::string& address() const { return address_; }
  bool is_loopback() const { return is_loopback_; }

  // Lets a client come or go, and moves bytes both ways. Says on `console` whom it turns away.
  Result<void> exchange(debug::GdbServer& server, Console& console);

  // Sends what is left of the server's output, for at most `wait_ms`, and lets the client go.
  void finish(debug::GdbServer& server, int wait_ms);

  // What can be read when there is something to exchange.
  std::vector<int> descriptors() const;
  bool has_client() const { return client_ >= 0; }

 private:
  explicit GdbListener(int socket) : socket_(socket) {}

  void accept_clients(Console& console);
  Result<void> read_client(debug::GdbServer& server);
  void write_client(debug::GdbServer& server);
  void drop_client(debug::GdbServer& server);

  int socket_ = -1;
  int client_ = -1;
  std::string address_;
  bool is_loopback_ = true;
};

}  // namespace rookery::cli
