#include "tell/certificate-texts.h"

#include <algorithm>
#include <cstring>

namespace hellotap {

namespace {

// Whether what is written as it stands there is known to be fit for it.
bool isNameHole(const Piece& piece, const Hole* holes, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (holes[i].kind == HoleKind::kName && holes[i].begin == piece.begin && holes[i].end == piece.end) return true;
  return false;
}

// As many bits as leave no room for chance; whoever is told to look at a certificate knows the rest.
uint64_t beginningOf(const uint8_t* digest) {
  uint64_t beginning;
  std::memcpy(&beginning, digest, sizeof beginning);
  return beginning;
}

}  // namespace

bool CertificateTexts::learn(Datum certificate, const Hole* holes, size_t holeCount, const Piece* pieces,
                             size_t pieceCount, Datum literals) {
  if (pieceCount > kMaxPieces || literals.size() > kMaxLiteralBytes) return false;
  for (size_t i = 0; i < pieceCount; ++i) {
    const Piece& piece = pieces[i];
    if (piece.kind == PieceKind::kDigest) continue;
    if (piece.begin > piece.end) return false;
    if (piece.end > (piece.kind == PieceKind::kLiteral ? literals.size() : certificate.size())) return false;
    if (piece.kind == PieceKind::kName && !isNameHole(piece, holes, holeCount)) return false;
  }
  const uint32_t number = stencils_.learn(certificate, holes, holeCount);
  if (number == 0) return false;
  const uint32_t slot = Stencils::slotOf(number);
  if (texts_.size() <= slot) texts_.resize(slot + 1);
  Text& text = texts_[slot];
  text.number = number;
  text.pieces.assign(pieces, pieces + pieceCount);
  text.literals.assign(literals.data(), literals.data() + literals.size());
  return true;
}

CertificateTexts::Told CertificateTexts::write(Datum certificate, Digests& digests, TextWriter& out) {
  const uint32_t number = stencils_.find(certificate);
  if (number == 0) return Told::kNew;
  const Text& text = texts_[Stencils::slotOf(number)];
  if (text.number != number) return Told::kNew;
  for (const Piece& piece : text.pieces) {
    const size_t count = piece.end - piece.begin;
    switch (piece.kind) {
      case PieceKind::kLiteral:
        out.put(text.literals.data() + piece.begin, count);
        break;
      case PieceKind::kName:
        out.put(certificate.data() + piece.begin, count);
        break;
      case PieceKind::kPairs:
        out.hexPairs(certificate.data() + piece.begin, count, "0123456789ABCDEF");
        break;
      case PieceKind::kDigest: {
        uint8_t digest[kSha1Bytes];
        if (!digests.hash(HashKind::kSha1, certificate, digest)) return Told::kNew;
        if (std::binary_search(listed_.begin(), listed_.end(), beginningOf(digest))) return Told::kListed;
        out.hexPairs(digest, sizeof digest, "0123456789abcdef");
        break;
      }
    }
  }
  return Told::kText;
}

void CertificateTexts::list(Datum digests) {
  listed_.clear();
  for (Datum digest; digests.take(kSha1Bytes, digest);) listed_.push_back(beginningOf(digest.data()));
  std::sort(listed_.begin(), listed_.end());
}

}  // namespace hellotap
