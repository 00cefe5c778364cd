// SPDX-License-Identifier: Apache-2.0
// The monitor's socket: `rookery run --monitor unix:PATH`. Only its owner may connect. One client
// at a time; others are told so and closed. Nothing here blocks, and no client's fault is the
// run's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "debug/monitor.h"

namespace rookery::cli {

class MonitorSocket {
 public:
  // `address` is "unix:PATH". A socket at PATH that nobody listens at any more is replaced;
  // anything else there is an error.
  static Result<std::unique_ptr<MonitorSocket>> open(const std::string& address);

  MonitorSocket(const MonitorSocket&) = delete;
  MonitorSocket& operator=(const MonitorSocket&) = delete;
  // Closes everything, and removes the socket if it is still this one.
  ~MonitorSocket();

  // What to look for input at while there is nothing else to do.
  std::vector<int> descriptors() const;

  // Takes clients and their requests, and sends answers, as far as that goes without waiting. To be
  // called after each turn of the machine.
  void serve(debug::Monitor& monitor);

  // Tells the client that the run is over.
  void finish(debug::Monitor& monitor, const RunEnd& end);

 private:
  MonitorSocket(std::string path, int listener);

  void accept_clients(debug::Monitor& monitor);
  void read_requests(debug::Monitor& monitor);
  void send_answers();
  void close_client();
  bool hears_client() const;
  bool client_has_gone() const;

  std::string path_;
  int listener_;
  unsigned long long device_ = 0;  // of the socket's file, and its number there
  unsigned long long inode_ = 0;
  int client_ = -1;
  bool client_said_all_ = false;  // it closed its half of the connection
  std::string unsent_;
};

}  // namespace rookery::cli
