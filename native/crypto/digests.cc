#include "crypto/digests.h"

#include <cstring>

namespace hellotap {

namespace {

struct HashFacts {
  const char* name;
  size_t bytes;
  size_t blockBytes;
};
constexpr HashFacts kHashes[] = {{"MD5", 16, 64}, {"SHA1", 20, 64}, {"SHA2-256", 32, 64}, {"SHA2-384", 48, 128}};
static_assert(sizeof kHashes / sizeof kHashes[0] == static_cast<size_t>(HashKind::kCount), "every hash once");

constexpr size_t kMostBytes = 48, kMostBlockBytes = 128;
constexpr uint8_t kInnerPad = 0x36, kOuterPad = 0x5c;

}  // namespace

size_t hashBytes(HashKind kind) { return kHashes[static_cast<size_t>(kind)].bytes; }

std::unique_ptr<Digests> Digests::create() {
  const Libcrypto* const crypto = libcrypto();
  if (crypto == nullptr) return nullptr;
  std::unique_ptr<Digests> made(new Digests());
  made->context_.reset(crypto->EVP_MD_CTX_new());
  bool isWhole = made->context_ != nullptr;
  for (size_t i = 0; i < static_cast<size_t>(HashKind::kCount); ++i) {
    made->kinds_[i].reset(crypto->EVP_MD_fetch(nullptr, kHashes[i].name, nullptr));
    isWhole = isWhole && made->kinds_[i] != nullptr;
  }
  if (isWhole) return made;
  crypto->ERR_clear_error();
  return nullptr;
}

bool Digests::begin(HashKind kind) {
  return libcrypto()->EVP_DigestInit_ex(context_.get(), kinds_[static_cast<size_t>(kind)].get(), nullptr) == 1;
}

bool Digests::add(Datum data) { return libcrypto()->EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1; }

bool Digests::finish(uint8_t* out) { return libcrypto()->EVP_DigestFinal_ex(context_.get(), out, nullptr) == 1; }

bool Digests::hash(HashKind kind, Datum data, uint8_t* out) { return begin(kind) && add(data) && finish(out); }

bool Digests::hmac(HashKind kind, Datum key, Datum first, Datum second, uint8_t* out) {
  const size_t blockBytes = kHashes[static_cast<size_t>(kind)].blockBytes;
  uint8_t pad[kMostBlockBytes] = {};
  if (key.size() > blockBytes) {
    if (!hash(kind, key, pad)) return false;
  } else if (!key.empty()) {
    std::memcpy(pad, key.data(), key.size());
  }
  uint8_t inner[kMostBytes];
  for (size_t i = 0; i < blockBytes; ++i) pad[i] ^= kInnerPad;
  if (!(begin(kind) && add(Datum(pad, blockBytes)) && add(first) && add(second) && finish(inner))) return false;
  for (size_t i = 0; i < blockBytes; ++i) pad[i] ^= kInnerPad ^ kOuterPad;
  return begin(kind) && add(Datum(pad, blockBytes)) && add(Datum(inner, hashBytes(kind))) && finish(out);
}

bool Digests::expand(HashKind kind, Datum secret, Datum seed, uint8_t* out, size_t length) {
  const size_t size = hashBytes(kind);
  uint8_t chain[kMostBytes], block[kMostBytes];
  if (!hmac(kind, secret, seed, Datum(), chain)) return false;
  for (size_t at = 0; at < length;) {
    if (!hmac(kind, secret, Datum(chain, size), seed, block)) return false;
    for (size_t i = 0; i < size && at < length; ++i, ++at) out[at] ^= block[i];
    if (at < length && !hmac(kind, secret, Datum(chain, size), Datum(), chain)) return false;
  }
  return true;
}

}  // namespace hellotap
