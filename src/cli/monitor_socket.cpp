// SPDX-License-Identifier: Apache-2.0
#include "cli/monitor_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace rookery::cli {
namespace {

constexpr std::string_view kScheme = "unix:";
constexpr int kBacklog = 8;
// A client that does not read its answers is not asked for more requests.
constexpr std::size_t kMaxUnsentBytes = 256 * kKiB;
constexpr std::size_t kMaxReadBytes = 4 * kKiB;  // in one turn: answers may be much longer

// A socket's address; `path` fits.
sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int open_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

std::unexpected<Error> cannot_listen(const std::string& path) {
  return fail(ErrorKind::io, "Cannot listen at the monitor's socket \"{}\": {}.", path,
              std::strerror(errno));
}

// Makes room for a socket at `path`, unless something lives there.
Result<void> remove_dead_socket(const std::string& path, const sockaddr_un& address) {
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) {
    if (errno == ENOENT) return {};
    return cannot_listen(path);
  }
  if (!S_ISSOCK(file.st_mode)) {
    return fail(ErrorKind::usage, "--monitor unix:{}: that file exists and is no socket.", path);
  }
  const int probe = open_socket();
  if (probe < 0) return cannot_listen(path);
  const bool answers =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const bool is_dead = !answers && errno == ECONNREFUSED;
  close(probe);
  if (!is_dead) {
    return fail(ErrorKind::usage, "--monitor unix:{}: another program listens there.", path);
  }
  if (unlink(path.c_str()) != 0) return cannot_listen(path);
  return {};
}

}  // namespace

Result<std::unique_ptr<MonitorSocket>> MonitorSocket::open(const std::string& address) {
  if (!address.starts_with(kScheme) || address.size() == kScheme.size()) {
    return fail(ErrorKind::usage, "--monitor \"{}\" is no address such as unix:/tmp/monitor.",
                address);
  }
  const std::string path = address.substr(kScheme.size());
  constexpr std::size_t kMaxPathBytes = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kMaxPathBytes) {
    return fail(ErrorKind::usage, "--monitor's path has {} bytes; a socket's has {} at most.",
                path.size(), kMaxPathBytes);
  }
  const sockaddr_un socket_address = address_of(path);
  if (auto free = remove_dead_socket(path, socket_address); !free)
    return std::unexpected(std::move(free.error()));
  const int listener = open_socket();
  if (listener < 0) return cannot_listen(path);
  const mode_t old_mask = umask(077);
  const bool bound = bind(listener, reinterpret_cast<const sockaddr*>(&socket_address),
                          sizeof(socket_address)) == 0;
  umask(old_mask);
  struct stat file = {};
  if (!bound || listen(listener, kBacklog) != 0 || lstat(path.c_str(), &file) != 0) {
    auto error = cannot_listen(path);
    close(listener);
    if (bound) unlink(path.c_str());
    return error;
  }
  std::unique_ptr<MonitorSocket> monitor(new MonitorSocket(path, listener));
  monitor->device_ = file.st_dev;
  monitor->inode_ = file.st_ino;
  return monitor;
}

MonitorSocket::MonitorSocket(std::string path, int listener)
    : path_(std::move(path)), listener_(listener) {}

MonitorSocket::~MonitorSocket() {
  close_client();
  struct stat file = {};
  const bool is_ours =
      lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
  if (is_ours) unlink(path_.c_str());
  close(listener_);
}

bool MonitorSocket::hears_client() const {
  return client_ >= 0 && !client_said_all_ && unsent_.size() < kMaxUnsentBytes;
}

std::vector<int> MonitorSocket::descriptors() const {
  std::vector<int> descriptors = {listener_};
  if (hears_client()) descriptors.push_back(client_);
  return descriptors;
}

void MonitorSocket::serve(debug::Monitor& monitor) {
  if (client_ >= 0) unsent_ += monitor.poll();
  accept_clients(monitor);
  if (hears_client()) read_requests(monitor);
  send_answers();
  const bool has_all = unsent_.empty() && !monitor.is_stepping();
  if (client_said_all_ && (has_all || client_has_gone())) close_client();
}

// A client that closed only its own half still reads; one that has gone does not.
bool MonitorSocket::client_has_gone() const {
  pollfd entry{client_, 0, 0};
  return ::poll(&entry, 1, 0) > 0;
}

void MonitorSocket::accept_clients(debug::Monitor& monitor) {
  for (int tries = 0; tries < kBacklog; ++tries) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (client_ >= 0 && client_has_gone()) {
      read_requests(monitor);  // its last words
      close_client();
    }
    if (client_ < 0) {
      client_ = descriptor;
      client_said_all_ = false;
      unsent_ = monitor.greet();
      continue;
    }
    const std::string refusal = debug::Monitor::refusal();
    (void)send(descriptor, refusal.data(), refusal.size(), MSG_NOSIGNAL);
    close(descriptor);
  }
}

void MonitorSocket::read_requests(debug::Monitor& monitor) {
  std::array<char, kMaxReadBytes> bytes;
  const ssize_t count = recv(client_, bytes.data(), bytes.size(), 0);
  if (count > 0) {
    unsent_ += monitor.receive({bytes.data(), static_cast<std::size_t>(count)});
  } else if (count == 0) {
    client_said_all_ = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    close_client();
  }
}

void MonitorSocket::send_answers() {
  while (client_ >= 0 && !unsent_.empty()) {
    const ssize_t count = send(client_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (count > 0) {
      unsent_.erase(0, static_cast<std::size_t>(count));
    } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    } else {
      close_client();
    }
  }
}

void MonitorSocket::close_client() {
  if (client_ >= 0) close(client_);
  client_ = -1;
  client_said_all_ = false;
  unsent_.clear();
}

void MonitorSocket::finish(debug::Monitor& monitor, const RunEnd& end) {
  if (client_ < 0) return;
  unsent_ += monitor.farewell(end);
  send_answers();
}

}  // namespace rookery::cli
