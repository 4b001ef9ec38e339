// Unpacks captures that are compressed with gzip (RFC 1952) or zstd (RFC 8878), piece by piece. The work is done by
// zlib and libzstd, taken from Node.js itself where it has them, else from the system. Neither is asked to hold more
// than a window: 32 KiB with gzip, at most 128 MiB with zstd, which is what zstd's own tool allows.
#ifndef HELLOTAP_CAPTURE_UNPACKER_H_
#define HELLOTAP_CAPTURE_UNPACKER_H_

#include <cstdint>
#include <memory>

#include "base/datum.h"

namespace hellotap {

enum class Packing : uint8_t { kUndecided, kNone, kGzip, kZstd };

// So many bytes tell what they are compressed with.
constexpr size_t kMagicBytes = 4;

// kNone where these are not the first bytes of something compressed, or where too few are there.
Packing packingOf(Datum start);

class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // Unpacks from the front of `packed`, which is consumed, to `out`; `made`: bytes written there. False: the data is
  // damaged; what was made before is right.
  virtual bool unpack(Datum& packed, uint8_t* out, size_t size, size_t& made) = 0;
  // Whether the data may end here.
  virtual bool isWhole() const = 0;
  // What is wrong with the data, in the library's words.
  virtual const char* why() const = 0;
};

// Whether the library for this is there.
bool canUnpack(Packing packing);

// For kGzip or kZstd. Never null: where the library or memory is missing, the first piece counts as damaged.
std::unique_ptr<Unpacker> makeUnpacker(Packing packing);

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_UNPACKER_H_
