// Crypto as JavaScript sees it: functions from bytes to bytes, without an object or a stream per use as node:crypto has them.
// Arguments are checked here and trusted further in. One per thread.
#ifndef HELLOTAP_BINDING_CRYPTO_OBJECT_H_
#define HELLOTAP_BINDING_CRYPTO_OBJECT_H_

#include <napi.h>

#include <memory>

#include "crypto/ciphers.h"
#include "crypto/digests.h"

namespace hellotap {

class CryptoObject : public Napi::ObjectWrap<CryptoObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit CryptoObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value hash(const Napi::CallbackInfo& info);
  Napi::Value hmac(const Napi::CallbackInfo& info);
  Napi::Value expand(const Napi::CallbackInfo& info);
  Napi::Value seal(const Napi::CallbackInfo& info);
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value chain(const Napi::CallbackInfo& info);

  std::unique_ptr<Digests> digests_;
  std::unique_ptr<Ciphers> ciphers_;
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_CRYPTO_OBJECT_H_
