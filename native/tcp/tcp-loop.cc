#include "tcp/tcp-loop.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace hellotap {

struct TcpLoop::Connection {
  uv_tcp_t tcp;
  uv_connect_t request;
  TcpLoop* owner;
  int number;
  bool isClosing;
};

// What a socket did not take at once; the bytes follow.
struct TcpLoop::PendingWrite {
  uv_write_t request;
};

namespace {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

int parseAddress(const char* text, uint16_t port, SocketAddress& out) {
  return std::strchr(text, ':') == nullptr ? uv_ip4_addr(text, port, &out.v4) : uv_ip6_addr(text, port, &out.v6);
}

}  // namespace

TcpLoop::TcpLoop(const TcpEventMemory& memory, Deliver deliver, void* context)
    : memory_(memory), deliver_(deliver), context_(context) {}

TcpLoop::~TcpLoop() = default;

TcpLoop* TcpLoop::create(uv_loop_t* loop, const TcpEventMemory& memory, Deliver deliver, void* context) {
  TcpLoop* self = new (std::nothrow) TcpLoop(memory, deliver, context);
  if (self == nullptr) return nullptr;
  self->loop_ = loop;
  if (uv_check_init(loop, &self->check_) != 0) {
    delete self;
    return nullptr;
  }
  self->check_.data = self;
  self->handles_ = 1;
  uv_check_start(&self->check_, onTurn);
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->check_));  // connections keep the loop going, an idle prober does not
  return self;
}

TcpLoop::Connection* TcpLoop::find(int connection) const {
  if (connection < 0 || static_cast<size_t>(connection) >= connections_.size()) return nullptr;
  Connection* const found = connections_[static_cast<size_t>(connection)];
  return found == nullptr || found->isClosing ? nullptr : found;
}

int TcpLoop::connect(const char* address, uint16_t port, const char* localAddress, uint16_t localPort) {
  if (isOver_) return UV_ECANCELED;
  SocketAddress remote, local;
  int error = parseAddress(address, port, remote);
  const bool isBound = localAddress != nullptr || localPort != 0;
  const char* const any = remote.any.sa_family == AF_INET ? "0.0.0.0" : "::";
  if (error == 0 && isBound) error = parseAddress(localAddress != nullptr ? localAddress : any, localPort, local);
  if (error != 0) return error;

  Connection* const made = new (std::nothrow) Connection();
  if (made == nullptr) return UV_ENOMEM;
  error = uv_tcp_init(loop_, &made->tcp);
  if (error != 0) {
    delete made;
    return error;
  }
  made->owner = this;
  made->tcp.data = made;
  made->request.data = made;
  if (free_.empty()) {
    made->number = static_cast<int>(connections_.size());
    connections_.push_back(made);
  } else {
    made->number = free_.back();
    free_.pop_back();
    connections_[static_cast<size_t>(made->number)] = made;
  }
  ++handles_;
  if (isBound) error = uv_tcp_bind(&made->tcp, &local.any, 0);
  if (error == 0) error = uv_tcp_connect(&made->request, &made->tcp, &remote.any, onConnect);
  if (error == 0) return made->number;
  close(made->number);
  return error;
}

int TcpLoop::write(int connection, const uint8_t* bytes, size_t length) {
  Connection* const found = find(connection);
  if (found == nullptr) return UV_ENOTCONN;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&found->tcp);
  uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(const_cast<uint8_t*>(bytes)), static_cast<unsigned>(length));
  int written = uv_try_write(stream, &buffer, 1);
  if (written == UV_EAGAIN) written = 0;
  if (written < 0) return written;
  const size_t rest = length - static_cast<size_t>(written);
  if (rest == 0) return 0;
  auto* const pending = static_cast<PendingWrite*>(std::malloc(sizeof(PendingWrite) + rest));
  if (pending == nullptr) return UV_ENOMEM;
  char* const copy = reinterpret_cast<char*>(pending + 1);
  std::memcpy(copy, bytes + written, rest);
  buffer = uv_buf_init(copy, static_cast<unsigned>(rest));
  const int error = uv_write(&pending->request, stream, &buffer, 1, onWritten);
  if (error != 0) std::free(pending);
  return error;
}

void TcpLoop::onWritten(uv_write_t* request, int) {
  std::free(request);  // a failure shows in the reading as well
}

void TcpLoop::close(int connection) {
  Connection* const found = find(connection);
  if (found == nullptr) return;
  found->isClosing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&found->tcp), onClosed);
}

void TcpLoop::onClosed(uv_handle_t* handle) {
  auto* const connection = static_cast<Connection*>(handle->data);
  TcpLoop* const self = connection->owner;
  self->connections_[static_cast<size_t>(connection->number)] = nullptr;
  self->free_.push_back(connection->number);
  delete connection;
  self->released();
}

void TcpLoop::released() {
  if (--handles_ > 0) return;  // `check_` is open until shutdown
  if (gone_ != nullptr) gone_(goneContext_);
  delete this;
}

void TcpLoop::shutdown(Gone gone, void* context) {
  if (isOver_) return;
  isOver_ = true;
  gone_ = gone;
  goneContext_ = context;
  for (Connection* const connection : connections_)
    if (connection != nullptr) close(connection->number);
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), [](uv_handle_t* handle) {
    static_cast<TcpLoop*>(handle->data)->released();
  });
}

void TcpLoop::onConnect(uv_connect_t* request, int status) {
  auto* const connection = static_cast<Connection*>(request->data);
  TcpLoop& self = *connection->owner;
  if (connection->isClosing) return;
  if (status == 0) {
    uv_tcp_nodelay(&connection->tcp, 1);
    status = uv_read_start(reinterpret_cast<uv_stream_t*>(&connection->tcp), onAllocate, onRead);
  }
  self.note(*connection, status == 0 ? TcpEventKind::kConnected : TcpEventKind::kError, status, 0);
}

// There is always room for a read: `note` sees to it. Nothing may be delivered here, for whoever closed the connection
// meanwhile would take libuv's socket away under its feet.
void TcpLoop::onAllocate(uv_handle_t* handle, size_t, uv_buf_t* out) {
  TcpLoop& self = *static_cast<Connection*>(handle->data)->owner;
  *out = uv_buf_init(reinterpret_cast<char*>(self.memory_.bytes + self.bytes_), kReadSize);
}

void TcpLoop::onRead(uv_stream_t* stream, ssize_t length, const uv_buf_t*) {
  if (length == 0) return;  // EAGAIN
  const Connection& connection = *static_cast<Connection*>(stream->data);
  TcpLoop& self = *connection.owner;
  if (length > 0) {
    const size_t offset = self.bytes_;
    self.bytes_ += static_cast<size_t>(length);
    self.note(connection, TcpEventKind::kData, static_cast<int32_t>(offset), static_cast<int32_t>(length));
    return;
  }
  uv_read_stop(stream);
  if (length == UV_EOF) self.note(connection, TcpEventKind::kEnd, 0, 0);
  else self.note(connection, TcpEventKind::kError, static_cast<int32_t>(length), 0);
}

void TcpLoop::note(const Connection& connection, TcpEventKind kind, int32_t value, int32_t length) {
  if (isOver_) return;
  memory_.events[events_++] = {connection.number, kind, value, length};
  if (events_ == memory_.maxEvents || memory_.maxBytes - bytes_ < kReadSize) deliver();
}

void TcpLoop::deliver() {
  const size_t count = events_;
  deliver_(context_, count);
  events_ = 0;
  bytes_ = 0;
}

void TcpLoop::onTurn(uv_check_t* check) {
  TcpLoop& self = *static_cast<TcpLoop*>(check->data);
  if (self.events_ > 0) self.deliver();
}

}  // namespace hellotap
