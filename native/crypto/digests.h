// Hashes, HMAC and the expansion of TLS 1.2, each as one call from bytes to bytes.
#ifndef HELLOTAP_CRYPTO_DIGESTS_H_
#define HELLOTAP_CRYPTO_DIGESTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/datum.h"
#include "crypto/libcrypto.h"

namespace hellotap {

enum class HashKind : uint8_t { kMd5, kSha1, kSha256, kSha384, kCount };

// Bytes of a digest.
size_t hashBytes(HashKind kind);
constexpr size_t kSha1Bytes = 20;
constexpr size_t kSha256Bytes = 32;

class Digests {
 public:
  // Null where libcrypto is missing, or does without one of the hashes.
  static std::unique_ptr<Digests> create();

  // `out` has room for hashBytes(kind) bytes here, and below. False: libcrypto refuses.
  bool hash(HashKind kind, Datum data, uint8_t* out);

  // RFC 2104, over `first` and `second` one after the other.
  bool hmac(HashKind kind, Datum key, Datum first, Datum second, uint8_t* out);

  // P_hash (RFC 5246 section 5): `length` bytes, XORed into `out`.
  bool expand(HashKind kind, Datum secret, Datum seed, uint8_t* out, size_t length);

 private:
  Digests() = default;

  bool begin(HashKind kind);
  bool add(Datum data);
  bool finish(uint8_t* out);

  std::unique_ptr<EVP_MD, FreeWith<&Libcrypto::EVP_MD_free>> kinds_[static_cast<size_t>(HashKind::kCount)];
  std::unique_ptr<EVP_MD_CTX, FreeWith<&Libcrypto::EVP_MD_CTX_free>> context_;
};

}  // namespace hellotap

#endif  // HELLOTAP_CRYPTO_DIGESTS_H_
