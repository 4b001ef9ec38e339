// TcpClient as JavaScript sees it: connections by number, and a function that is told once per turn of the loop what happened.
// Arguments are checked here and trusted further in.
#ifndef HELLOTAP_BINDING_TCP_CLIENT_OBJECT_H_
#define HELLOTAP_BINDING_TCP_CLIENT_OBJECT_H_

#include <napi.h>

#include "tcp/tcp-loop.h"

namespace hellotap {

class TcpClientObject : public Napi::ObjectWrap<TcpClientObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TcpClientObject(const Napi::CallbackInfo& info);
  ~TcpClientObject() override;

 private:
  Napi::Value connect(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  void deliver(size_t events);
  void shutdown();

  // What TcpLoop writes to is held for as long as it may.
  Napi::Reference<Napi::TypedArray> events_;
  Napi::Reference<Napi::TypedArray> bytes_;
  Napi::FunctionReference onEvents_;
  TcpLoop* loop_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_TCP_CLIENT_OBJECT_H_
