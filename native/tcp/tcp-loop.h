// TCP connections of a prober on libuv's loop. What happens to them is noted in memory of the caller's and handed over once
// per turn of the loop, so that thousands of short connections cost one call each way per turn instead of several each.
// Knows bytes and errors; nothing of TLS, and no Node-API.
#ifndef HELLOTAP_TCP_TCP_LOOP_H_
#define HELLOTAP_TCP_TCP_LOOP_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hellotap {

enum class TcpEventKind : int32_t { kConnected, kData, kEnd, kError };

// One thing that happened: four int32 in the memory of the caller's.
struct TcpEvent {
  int32_t connection;
  TcpEventKind kind;
  int32_t value;   // kData: offset into the bytes; kError: negative errno of libuv
  int32_t length;  // kData
};

// Where things are noted.
struct TcpEventMemory {
  TcpEvent* events = nullptr;
  size_t maxEvents = 0;
  uint8_t* bytes = nullptr;
  size_t maxBytes = 0;
};

class TcpLoop {
 public:
  // A read needs that much room in the bytes; there has to be twice as much at least.
  static constexpr size_t kReadSize = 64 * 1024;

  // Called with how many events there are; they are gone when it returns. It may open, write to and close connections.
  using Deliver = void (*)(void* context, size_t events);

  using Gone = void (*)(void* context);

  // Null where libuv refuses. Lives until `shutdown` has closed everything, and then frees itself.
  static TcpLoop* create(uv_loop_t* loop, const TcpEventMemory& memory, Deliver deliver, void* context);

  // The number of the new connection, or a negative errno. kConnected or kError follows. `localAddress` may be null, and
  // `localPort` 0. Numbers come again once the connection is closed and the turn of the loop is over.
  int connect(const char* address, uint16_t port, const char* localAddress, uint16_t localPort);

  // 0 or a negative errno. What the socket does not take at once is copied.
  int write(int connection, const uint8_t* bytes, size_t length);

  // Nothing is noted of the connection after the turn of the loop in which it is closed.
  void close(int connection);

  // Closes everything. Nothing is delivered any more, and the memory not touched. `gone`, if any, is called at the end.
  void shutdown(Gone gone = nullptr, void* context = nullptr);

 private:
  struct Connection;
  struct PendingWrite;

  TcpLoop(const TcpEventMemory& memory, Deliver deliver, void* context);
  ~TcpLoop();

  Connection* find(int connection) const;
  void note(const Connection& connection, TcpEventKind kind, int32_t value, int32_t length);
  void deliver();
  void released();

  static void onConnect(uv_connect_t* request, int status);
  static void onAllocate(uv_handle_t* handle, size_t suggested, uv_buf_t* out);
  static void onRead(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer);
  static void onWritten(uv_write_t* request, int status);
  static void onClosed(uv_handle_t* handle);
  static void onTurn(uv_check_t* check);

  uv_loop_t* loop_ = nullptr;
  uv_check_t check_;
  TcpEventMemory memory_;
  Deliver deliver_;
  void* context_;
  Gone gone_ = nullptr;
  void* goneContext_ = nullptr;
  size_t events_ = 0;
  size_t bytes_ = 0;
  bool isOver_ = false;
  size_t handles_ = 0;  // open ones, `check_` included
  std::vector<Connection*> connections_;
  std::vector<int> free_;
};

}  // namespace hellotap

#endif  // HELLOTAP_TCP_TCP_LOOP_H_
