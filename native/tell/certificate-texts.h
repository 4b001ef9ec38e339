// What events say of certificates that are like one that was read before: its text, with what differs put in.
#ifndef HELLOTAP_TELL_CERTIFICATE_TEXTS_H_
#define HELLOTAP_TELL_CERTIFICATE_TEXTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/datum.h"
#include "base/text-writer.h"
#include "crypto/digests.h"
#include "tell/stencils.h"

namespace hellotap {

// What a piece of text is. The numbers are those of PieceKind in src/capture/teller.ts.
enum class PieceKind : uint32_t {
  kLiteral = 0,  // a part of the literals
  kName = 1,     // a part of the certificate, as it stands there: has to be a hole of the kind kName
  kPairs = 2,    // a part of the certificate, in hexadecimal
  kDigest = 3,   // SHA-1 of the certificate
};

struct Piece {
  PieceKind kind;
  uint32_t begin;
  uint32_t end;
};

class CertificateTexts {
 public:
  static constexpr size_t kMaxPieces = 16;
  static constexpr size_t kMaxLiteralBytes = 2048;

  explicit CertificateTexts(const uint8_t (&reserved)[Stencils::kReservedBytes]) : stencils_(reserved) {}

  // Takes a certificate, its holes, and the pieces of its text. False where it is not taken.
  bool learn(Datum certificate, const Hole* holes, size_t holeCount, const Piece* pieces, size_t pieceCount,
             Datum literals);
  // What is told of the certificate.
  enum class Told : uint8_t {
    kText,    // its text was written
    kNew,     // none is like it; maybe something was written
    kListed,  // it is on the list; likewise
  };
  Told write(Datum certificate, Digests& digests, TextWriter& out);
  // Certificates that are to be looked at, whatever else is known: SHA-1 of each, one behind the other. In place of those
  // before.
  void list(Datum digests);

 private:
  struct Text {
    uint32_t number = 0;
    std::vector<Piece> pieces;
    std::vector<uint8_t> literals;
  };

  Stencils stencils_;
  std::vector<Text> texts_;      // by slot of the stencil
  std::vector<uint64_t> listed_;  // the beginnings of their digests, ascending
};

}  // namespace hellotap

#endif  // HELLOTAP_TELL_CERTIFICATE_TEXTS_H_
