// SHA-1 (FIPS 180-4) for identifiers, not for security: Community IDs and fingerprints of certificates.
#ifndef HELLOTAP_BASE_SHA1_H_
#define HELLOTAP_BASE_SHA1_H_

#include <cstddef>
#include <cstdint>

#include "base/datum.h"

namespace hellotap {

// OpenSSL's, looked up in Node.js itself and then in the system. One object serves one thread.
class Sha1 {
 public:
  static constexpr size_t kBytes = 20;

  Sha1();
  ~Sha1();
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;

  // False where there is no OpenSSL to be found, or it refuses SHA-1; then `digest` must not be called.
  bool isUsable() const { return context_ != nullptr; }
  // False, which has not been seen to happen, where OpenSSL fails.
  bool digest(Datum bytes, uint8_t (&out)[kBytes]);

 private:
  void* context_ = nullptr;
  void* algorithm_ = nullptr;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_SHA1_H_
