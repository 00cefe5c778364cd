// SPDX-License-Identifier: Apache-2.0
#include "cli/gdb_listener.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rookery::cli {
namespace {

constexpr u32 kMaxPort = 65535;

// "127.0.0.1:1234", "[::1]:1234".
std::string address_text(const sockaddr_storage& address, socklen_t bytes) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), bytes, host.data(), host.size(),
                  port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "an unknown address";
  }
  const bool is_v6 = address.ss_family == AF_INET6;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", host.data(), is_v6 ? "]" : "", port.data());
}

bool is_loopback_address(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    constexpr u32 kLoopbackNetwork = 127;  // 127.0.0.0/8
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(v4.sin_addr.s_addr) >> 24 == kLoopbackNetwork;
  }
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

// Listens at one address, or says why not (errno).
int listen_at(const addrinfo& info) {
  constexpr int kBacklog = 4;
  const int descriptor = socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 && listen(descriptor, kBacklog) == 0) {
    return descriptor;
  }
  const int error = errno;
  close(descriptor);
  errno = error;
  return -1;
}

}  // namespace

Result<GdbAddress> parse_gdb_address(std::string_view text) {
  GdbAddress address;
  std::string_view port = text;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    port = text.substr(colon + 1);
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!host.empty()) address.host = host;
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size() || address.port > kMaxPort) {
    return fail(ErrorKind::usage,
                "--gdb \"{}\" is not [HOST:]PORT with a port from 0 to {}: write 1234, 0 for any "
                "port that is free, or 192.168.1.7:1234.",
                text, kMaxPort);
  }
  return address;
}

Result<std::unique_ptr<GdbListener>> GdbListener::open(const GdbAddress& address) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &found);
  if (failed != 0) {
    return fail(ErrorKind::usage, "--gdb cannot listen at \"{}\": {}.", address.host,
                gai_strerror(failed));
  }
  const int descriptor = listen_at(*found);
  freeaddrinfo(found);
  if (descriptor < 0) {
    return fail(ErrorKind::io, "--gdb cannot listen at {} port {}: {}.", address.host, address.port,
                std::strerror(errno));
  }
  std::unique_ptr<GdbListener> listener(new GdbListener(descriptor));
  sockaddr_storage bound{};
  socklen_t bytes = sizeof bound;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &bytes) != 0) {
    return fail(ErrorKind::io, "--gdb does not know where it listens: {}.", std::strerror(errno));
  }
  listener->address_ = address_text(bound, bytes);
  listener->is_loopback_ = is_loopback_address(bound);
  return listener;
}

GdbListener::~GdbListener() {
  if (client_ >= 0) close(client_);
  close(socket_);
}

std::vector<int> GdbListener::descriptors() const {
  std::vector<int> all = {socket_};
  if (client_ >= 0) all.push_back(client_);
  return all;
}

Result<void> GdbListener::exchange(debug::GdbServer& server, Console& console) {
  accept_clients(console);
  if (client_ < 0) return {};
  if (auto done = read_client(server); !done) return done;
  if (client_ >= 0) write_client(server);
  return {};
}

void GdbListener::accept_clients(Console& console) {
  for (;;) {
    sockaddr_storage from{};
    socklen_t bytes = sizeof from;
    const int descriptor =
        accept4(socket_, reinterpret_cast<sockaddr*>(&from), &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (client_ >= 0) {
      console.note(fmt::format("a second gdb, from {}, was turned away: one is enough.",
                               address_text(from, bytes)));
      close(descriptor);
      continue;
    }
    const int on = 1;  // packets are small, and each is waited for
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client_ = descriptor;
  }
}

// Reads no more while there is something to be sent: a client has to read, too.
Result<void> GdbListener::read_client(debug::GdbServer& server) {
  if (!server.output().empty()) {
    write_client(server);
    if (client_ < 0 || !server.output().empty()) return {};
    return server.receive({});
  }
  std::array<char, 16384> bytes;
  const ssize_t count = recv(client_, bytes.data(), bytes.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return server.receive({});
  if (count <= 0) {
    drop_client(server);
    return {};
  }
  return server.receive({bytes.data(), static_cast<std::size_t>(count)});
}

void GdbListener::write_client(debug::GdbServer& server) {
  while (!server.output().empty()) {
    const std::string& output = server.output();
    const ssize_t count = send(client_, output.data(), output.size(), MSG_NOSIGNAL);
    if (count > 0) {
      server.sent(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      if (errno != EAGAIN) drop_client(server);
      return;
    }
  }
}

void GdbListener::drop_client(debug::GdbServer& server) {
  close(std::exchange(client_, -1));
  server.disconnect();
}

void GdbListener::finish(debug::GdbServer& server, int wait_ms) {
  if (client_ < 0) return;
  write_client(server);
  pollfd entry{client_, POLLOUT, 0};
  while (client_ >= 0 && !server.output().empty() && poll(&entry, 1, wait_ms) > 0) {
    write_client(server);
  }
  if (client_ >= 0) drop_client(server);
}

}  // namespace rookery::cli
