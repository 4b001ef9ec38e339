// A key pair for ephemeral Diffie-Hellman over X25519 or a curve of NIST's.
#ifndef HELLOTAP_CRYPTO_KEY_PAIR_H_
#define HELLOTAP_CRYPTO_KEY_PAIR_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/datum.h"
#include "crypto/libcrypto.h"

namespace hellotap {

class KeyPair {
 public:
  static constexpr size_t kMostPublicBytes = 133, kMostSecretBytes = 66;  // P-521

  // `group`: number of RFC 8446 section 4.2.7. Null for one that is not known, or where libcrypto is missing or refuses.
  static std::unique_ptr<KeyPair> generate(uint16_t group);

  // As TLS carries it: 32 bytes, or an uncompressed point.
  Datum publicKey() const { return Datum(publicKey_, publicBytes_); }

  size_t secretBytes() const { return secretBytes_; }

  // The shared secret with the public key of the peer, secretBytes() bytes. False where that is not one: a wrong length, a
  // point beside the curve, or one that leads to a secret of zeros (RFC 7748 section 6.1).
  bool agree(Datum peer, uint8_t* out);

 private:
  KeyPair() = default;

  std::unique_ptr<EVP_PKEY, FreeWith<&Libcrypto::EVP_PKEY_free>> key_;
  std::unique_ptr<EVP_PKEY_CTX, FreeWith<&Libcrypto::EVP_PKEY_CTX_free>> context_;
  uint8_t publicKey_[kMostPublicBytes];
  size_t publicBytes_ = 0;
  size_t secretBytes_ = 0;
  bool isPoint_ = false;  // of a curve, with two coordinates
};

}  // namespace hellotap

#endif  // HELLOTAP_CRYPTO_KEY_PAIR_H_
