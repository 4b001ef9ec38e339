#include "binding/tcp-client-object.h"

#include <string>

#include "binding/arguments.h"

namespace hellotap {

Napi::Function TcpClientObject::define(Napi::Env env) {
  return DefineClass(env, "TcpClient",
                     {
                         InstanceMethod<&TcpClientObject::connect>("connect"),
                         InstanceMethod<&TcpClientObject::write>("write"),
                         InstanceMethod<&TcpClientObject::close>("close"),
                     });
}

// new TcpClient(events: Int32Array, bytes: Uint8Array, onEvents: (count) => void): what happens is noted in the two arrays.
TcpClientObject::TcpClientObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TcpClientObject>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 3 || !isArray(info[0], napi_int32_array) || !isBytes(info[1]) ||
      !info[2].IsFunction()) {
    throwType(env, "TcpClient: events have to be an Int32Array, bytes an Uint8Array, and then a function");
    return;
  }
  auto events = info[0].As<Napi::Int32Array>();
  auto bytes = info[1].As<Napi::Uint8Array>();
  TcpEventMemory memory;
  memory.events = reinterpret_cast<TcpEvent*>(events.Data());
  memory.maxEvents = events.ByteLength() / sizeof(TcpEvent);
  memory.bytes = bytes.Data();
  memory.maxBytes = bytes.ByteLength();
  if (memory.maxEvents == 0 || memory.maxBytes < 2 * TcpLoop::kReadSize) {
    throwType(env, "TcpClient: there has to be room for an event and two reads");
    return;
  }

  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok)
    loop_ = TcpLoop::create(
        loop, memory, [](void* self, size_t count) { static_cast<TcpClientObject*>(self)->deliver(count); }, this);
  if (loop_ == nullptr) {
    throwType(env, "TcpClient: the event loop takes no more");
    return;
  }
  events_ = Napi::Persistent(events.As<Napi::TypedArray>());
  bytes_ = Napi::Persistent(bytes.As<Napi::TypedArray>());
  onEvents_ = Napi::Persistent(info[2].As<Napi::Function>());
  // A worker thread that ends has to wait until libuv has closed the sockets.
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle hook, void* data) {
        auto* const self = static_cast<TcpClientObject*>(data);
        TcpLoop* const loop = self->loop_;
        self->loop_ = nullptr;
        self->hook_ = nullptr;
        loop->shutdown(
            [](void* context) {
              napi_remove_async_cleanup_hook(static_cast<napi_async_cleanup_hook_handle>(context));
            },
            hook);
      },
      this, &hook_);
}

TcpClientObject::~TcpClientObject() {
  if (loop_ != nullptr) loop_->shutdown();
  if (hook_ != nullptr) napi_remove_async_cleanup_hook(hook_);
}

// connect(address, port, localAddress | null, localPort): the number of the connection, or a negative errno.
Napi::Value TcpClientObject::connect(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 4 || !info[0].IsString() || !isUint16(info[1]) || !(info[2].IsNull() || info[2].IsString()) ||
      !isUint16(info[3])) {
    throwType(env, "connect: address, port, local address or null, local port");
    return env.Undefined();
  }
  if (loop_ == nullptr) return Napi::Number::New(env, UV_ECANCELED);
  const std::string address = info[0].As<Napi::String>();
  const std::string local = info[2].IsNull() ? std::string() : info[2].As<Napi::String>().Utf8Value();
  return Napi::Number::New(env, loop_->connect(address.c_str(), info[1].As<Napi::Number>().Uint32Value(),
                                               local.empty() ? nullptr : local.c_str(),
                                               info[3].As<Napi::Number>().Uint32Value()));
}

// write(connection, bytes): 0 or a negative errno.
Napi::Value TcpClientObject::write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsNumber() || !isBytes(info[1])) {
    throwType(env, "write: number of the connection, bytes");
    return env.Undefined();
  }
  if (loop_ == nullptr) return Napi::Number::New(env, UV_ECANCELED);
  const auto bytes = info[1].As<Napi::Uint8Array>();
  return Napi::Number::New(env,
                           loop_->write(info[0].As<Napi::Number>().Int32Value(), bytes.Data(), bytes.ByteLength()));
}

// close(connection): does nothing where it is closed already.
void TcpClientObject::close(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) return throwType(info.Env(), "close: number of the connection");
  if (loop_ != nullptr) loop_->close(info[0].As<Napi::Number>().Int32Value());
}

void TcpClientObject::deliver(size_t events) {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  const napi_value count = Napi::Number::New(env, static_cast<double>(events));
  // By hand: a thread that is being ended runs no JavaScript any more, and node-addon-api would end the process for it.
  const napi_status status = napi_make_callback(env, nullptr, env.Global(), onEvents_.Value(), 1, &count, nullptr);
  napi_value exception = nullptr;
  if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &exception) == napi_ok)
    napi_fatal_exception(env, exception);
}

}  // namespace hellotap
