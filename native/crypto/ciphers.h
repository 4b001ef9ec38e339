// The ciphers of records, each as one call from bytes to bytes. What a record looks like is the caller's business.
#ifndef HELLOTAP_CRYPTO_CIPHERS_H_
#define HELLOTAP_CRYPTO_CIPHERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/datum.h"
#include "crypto/libcrypto.h"

namespace hellotap {

enum class CipherKind : uint8_t {
  kAes128Gcm,
  kAes256Gcm,
  kChaCha20Poly1305,
  kAes128Cbc,
  kAes256Cbc,
  kTripleDesCbc,
  kCount,
};

class Ciphers {
 public:
  // Behind what is sealed with one of the first three.
  static constexpr size_t kTagBytes = 16;

  // Null where libcrypto is missing, or does without one of the ciphers.
  static std::unique_ptr<Ciphers> create();

  // An AEAD: ciphertext and tag, kTagBytes more than `plaintext`. False: key or nonce have a wrong length, or the cipher is
  // no AEAD; likewise below.
  bool seal(CipherKind kind, Datum key, Datum nonce, Datum associated, Datum plaintext, uint8_t* out);

  // The other way, kTagBytes less than `sealed`. False also where the tag does not fit: then `out` holds nothing of use.
  bool open(CipherKind kind, Datum key, Datum nonce, Datum associated, Datum sealed, uint8_t* out);

  // Whole blocks in CBC mode, as many bytes as come in.
  bool chain(CipherKind kind, bool encrypts, Datum key, Datum iv, Datum blocks, uint8_t* out);

 private:
  using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<&Libcrypto::EVP_CIPHER_CTX_free>>;

  Ciphers() = default;

  // A context that has been given key and nonce, or null.
  EVP_CIPHER_CTX* begin(CipherKind kind, bool encrypts, Datum key, Datum nonce);

  // To encrypt and to decrypt: setting up the same context for another key is cheaper than making one.
  Context contexts_[static_cast<size_t>(CipherKind::kCount)][2];
};

}  // namespace hellotap

#endif  // HELLOTAP_CRYPTO_CIPHERS_H_
