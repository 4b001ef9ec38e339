#include "binding/crypto-object.h"

#include "binding/arguments.h"

namespace hellotap {

namespace {

// The number of a hash or a cipher, as the enumerations have it.
template <typename Kind>
bool readKind(const Napi::Value& value, Kind& kind) {
  int32_t number = -1;
  if (napi_get_value_int32(value.Env(), value, &number) != napi_ok) return false;
  kind = static_cast<Kind>(number);
  return number >= 0 && number < static_cast<int32_t>(Kind::kCount);
}

}  // namespace

Napi::Function CryptoObject::define(Napi::Env env) {
  return DefineClass(env, "Crypto",
                     {
                         InstanceMethod<&CryptoObject::hash>("hash"),
                         InstanceMethod<&CryptoObject::hmac>("hmac"),
                         InstanceMethod<&CryptoObject::expand>("expand"),
                         InstanceMethod<&CryptoObject::seal>("seal"),
                         InstanceMethod<&CryptoObject::open>("open"),
                         InstanceMethod<&CryptoObject::chain>("chain"),
                     });
}

CryptoObject::CryptoObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CryptoObject>(info) {
  digests_ = Digests::create();
  ciphers_ = Ciphers::create();
  if (digests_ == nullptr || ciphers_ == nullptr) throwType(info.Env(), "Crypto: no OpenSSL 3 with all that TLS needs");
}

// hash(kind, data, out)
Napi::Value CryptoObject::hash(const Napi::CallbackInfo& info) {
  HashKind kind;
  Datum data;
  Room out;
  if (info.Length() < 3 || !readKind(info[0], kind) || !readBytes(info[1], data) || !readRoom(info[2], out) ||
      out.size < hashBytes(kind))
    return refuse(info.Env(), "hash: kind, data, room for the hash");
  if (!digests_->hash(kind, data, out.bytes)) return refuse(info.Env(), "hash: libcrypto refuses");
  return info.Env().Undefined();
}

// hmac(kind, key, first, second, out)
Napi::Value CryptoObject::hmac(const Napi::CallbackInfo& info) {
  HashKind kind;
  Datum key, first, second;
  Room out;
  if (info.Length() < 5 || !readKind(info[0], kind) || !readBytes(info[1], key) || !readBytes(info[2], first) ||
      !readBytes(info[3], second) || !readRoom(info[4], out) || out.size < hashBytes(kind))
    return refuse(info.Env(), "hmac: kind, key, data, more data, room for the hash");
  if (!digests_->hmac(kind, key, first, second, out.bytes)) return refuse(info.Env(), "hmac: libcrypto refuses");
  return info.Env().Undefined();
}

// expand(kind, secret, seed, out): all of `out` is XORed.
Napi::Value CryptoObject::expand(const Napi::CallbackInfo& info) {
  HashKind kind;
  Datum secret, seed;
  Room out;
  if (info.Length() < 4 || !readKind(info[0], kind) || !readBytes(info[1], secret) || !readBytes(info[2], seed) ||
      !readRoom(info[3], out))
    return refuse(info.Env(), "expand: kind, secret, seed, what the result is XORed into");
  if (!digests_->expand(kind, secret, seed, out.bytes, out.size))
    return refuse(info.Env(), "expand: libcrypto refuses");
  return info.Env().Undefined();
}

// seal(kind, key, nonce, associated, plaintext, out)
Napi::Value CryptoObject::seal(const Napi::CallbackInfo& info) {
  CipherKind kind;
  Datum key, nonce, associated, plaintext;
  Room out;
  if (info.Length() < 6 || !readKind(info[0], kind) || !readBytes(info[1], key) || !readBytes(info[2], nonce) ||
      !readBytes(info[3], associated) || !readBytes(info[4], plaintext) || !readRoom(info[5], out) ||
      out.size != plaintext.size() + Ciphers::kTagBytes)
    return refuse(info.Env(), "seal: kind, key, nonce, associated data, plaintext, room for the same and a tag");
  if (!ciphers_->seal(kind, key, nonce, associated, plaintext, out.bytes))
    return refuse(info.Env(), "seal: not an AEAD, or the wrong length of key or nonce");
  return info.Env().Undefined();
}

// open(kind, key, nonce, associated, sealed, out): whether the tag fits.
Napi::Value CryptoObject::open(const Napi::CallbackInfo& info) {
  CipherKind kind;
  Datum key, nonce, associated, sealed;
  Room out;
  if (info.Length() < 6 || !readKind(info[0], kind) || !readBytes(info[1], key) || !readBytes(info[2], nonce) ||
      !readBytes(info[3], associated) || !readBytes(info[4], sealed) || !readRoom(info[5], out) ||
      out.size + Ciphers::kTagBytes != sealed.size())
    return refuse(info.Env(), "open: kind, key, nonce, associated data, what was sealed, room for it without its tag");
  return Napi::Boolean::New(info.Env(), ciphers_->open(kind, key, nonce, associated, sealed, out.bytes));
}

// chain(kind, encrypts, key, iv, blocks, out): CBC.
Napi::Value CryptoObject::chain(const Napi::CallbackInfo& info) {
  CipherKind kind;
  Datum key, iv, blocks;
  Room out;
  if (info.Length() < 6 || !readKind(info[0], kind) || !info[1].IsBoolean() || !readBytes(info[2], key) ||
      !readBytes(info[3], iv) || !readBytes(info[4], blocks) || !readRoom(info[5], out) || out.size != blocks.size())
    return refuse(info.Env(), "chain: kind, whether to encrypt, key, IV, blocks, room for the same");
  if (!ciphers_->chain(kind, info[1].As<Napi::Boolean>(), key, iv, blocks, out.bytes))
    return refuse(info.Env(), "chain: no CBC cipher, the wrong length of key or IV, or not whole blocks");
  return info.Env().Undefined();
}

}  // namespace hellotap
