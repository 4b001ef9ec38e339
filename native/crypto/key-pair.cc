#include "crypto/key-pair.h"

#include <cstring>

namespace hellotap {

namespace {

struct GroupFacts {
  uint16_t group;
  const char* algorithm;
  const char* curve;  // of an EC key
  size_t publicBytes;
  size_t secretBytes;
};
constexpr GroupFacts kGroups[] = {
    {0x0017, "EC", "P-256", 65, 32},
    {0x0018, "EC", "P-384", 97, 48},
    {0x0019, "EC", "P-521", 133, 66},
    {0x001d, "X25519", nullptr, 32, 32},
};
constexpr uint8_t kUncompressed = 4;

}  // namespace

std::unique_ptr<KeyPair> KeyPair::generate(uint16_t group) {
  const Libcrypto* const crypto = libcrypto();
  if (crypto == nullptr) return nullptr;
  for (const GroupFacts& facts : kGroups) {
    if (facts.group != group) continue;
    std::unique_ptr<KeyPair> made(new KeyPair());
    made->publicBytes_ = facts.publicBytes;
    made->secretBytes_ = facts.secretBytes;
    made->isPoint_ = facts.curve != nullptr;
    made->key_.reset(crypto->EVP_PKEY_Q_keygen(nullptr, nullptr, facts.algorithm, facts.curve));
    bool isWhole = false;
    if (made->key_ != nullptr) {
      unsigned char* encoded = nullptr;
      const size_t length = crypto->EVP_PKEY_get1_encoded_public_key(made->key_.get(), &encoded);
      if (length == facts.publicBytes) {
        std::memcpy(made->publicKey_, encoded, length);
        made->context_.reset(crypto->EVP_PKEY_CTX_new_from_pkey(nullptr, made->key_.get(), nullptr));
        isWhole = made->context_ != nullptr && crypto->EVP_PKEY_derive_init(made->context_.get()) == 1;
      }
      crypto->CRYPTO_free(encoded, "", 0);
    }
    if (isWhole) return made;
  }
  crypto->ERR_clear_error();
  return nullptr;
}

bool KeyPair::agree(Datum peer, uint8_t* out) {
  const Libcrypto& crypto = *libcrypto();
  // Only the uncompressed form is left in TLS (RFC 8422 section 5.1.2); OpenSSL would take the others as well.
  if (peer.size() != publicBytes_ || (isPoint_ && peer.data()[0] != kUncompressed)) return false;
  const std::unique_ptr<EVP_PKEY, FreeWith<&Libcrypto::EVP_PKEY_free>> theirs(crypto.EVP_PKEY_new());
  size_t length = secretBytes_;
  // Taking the key in tells whether its point is on the curve. All points of these curves are in the group, so there is
  // nothing left for OpenSSL's validation to find, which costs as much as the secret itself.
  constexpr int kNoValidation = 0;
  const bool isDone = theirs != nullptr && crypto.EVP_PKEY_copy_parameters(theirs.get(), key_.get()) == 1 &&
                      crypto.EVP_PKEY_set1_encoded_public_key(theirs.get(), peer.data(), peer.size()) == 1 &&
                      crypto.EVP_PKEY_derive_set_peer_ex(context_.get(), theirs.get(), kNoValidation) == 1 &&
                      crypto.EVP_PKEY_derive(context_.get(), out, &length) == 1 && length == secretBytes_;
  if (!isDone) crypto.ERR_clear_error();
  return isDone;
}

}  // namespace hellotap
