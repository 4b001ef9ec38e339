#include "binding/key-pair-object.h"

#include "binding/arguments.h"

namespace hellotap {

Napi::Function KeyPairObject::define(Napi::Env env) {
  return DefineClass(env, "KeyPair",
                     {
                         InstanceAccessor<&KeyPairObject::publicKey>("publicKey"),
                         InstanceMethod<&KeyPairObject::agree>("agree"),
                     });
}

// new KeyPair(group): throws for a group that is not known.
KeyPairObject::KeyPairObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<KeyPairObject>(info) {
  if (info.Length() > 0 && isUint16(info[0]))
    pair_ = KeyPair::generate(static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value()));
  if (pair_ == nullptr) throwType(info.Env(), "KeyPair: a group that libcrypto can make a key for");
}

Napi::Value KeyPairObject::publicKey(const Napi::CallbackInfo& info) {
  const Datum key = pair_->publicKey();
  return Napi::Buffer<uint8_t>::Copy(info.Env(), key.data(), key.size());
}

// agree(peer): the shared secret, or null where `peer` is not a public key.
Napi::Value KeyPairObject::agree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Datum peer;
  uint8_t secret[KeyPair::kMostSecretBytes];
  if (info.Length() < 1 || !readBytes(info[0], peer)) return refuse(env, "agree: public key");
  if (!pair_->agree(peer, secret)) return env.Null();
  return Napi::Buffer<uint8_t>::Copy(env, secret, pair_->secretBytes());
}

}  // namespace hellotap
