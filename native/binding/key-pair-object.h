// KeyPair as JavaScript sees it. Arguments are checked here and trusted further in.
#ifndef HELLOTAP_BINDING_KEY_PAIR_OBJECT_H_
#define HELLOTAP_BINDING_KEY_PAIR_OBJECT_H_

#include <napi.h>

#include <memory>

#include "crypto/key-pair.h"

namespace hellotap {

class KeyPairObject : public Napi::ObjectWrap<KeyPairObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit KeyPairObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value publicKey(const Napi::CallbackInfo& info);
  Napi::Value agree(const Napi::CallbackInfo& info);

  std::unique_ptr<KeyPair> pair_;
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_KEY_PAIR_OBJECT_H_
