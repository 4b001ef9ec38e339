// Any bytes as a capture, plain or compressed: read in one piece and in pieces whose sizes the input decides. Both have
// to give the same packets and secrets, and every byte of every frame has to be readable.
#include <cstdlib>

#include "capture/capture-reader.h"
#include "core/input.h"

namespace {

using namespace hellotap;

struct Seen {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t sum = 0;

  void add(const FrameBatch& batch) {
    for (size_t i = 0; i < batch.count; ++i) {
      const Frame& frame = batch.frames[i];
      if (frame.bytes.size() > frame.original || frame.timestamp < 0) std::abort();
      ++packets;
      bytes += frame.bytes.size();
      for (size_t at = 0; at < frame.bytes.size(); ++at) sum = sum * 31 + frame.bytes.data()[at];
    }
  }
  void add(SecretsQueue& secrets) {
    while (!secrets.empty()) {
      const Datum text = secrets.front(100).text;
      if (text.empty()) std::abort();
      for (size_t at = 0; at < text.size(); ++at) sum = sum * 31 + text.data()[at];
      secrets.remove(text.size());
    }
  }
  bool operator==(const Seen& other) const {
    return packets == other.packets && bytes == other.bytes && sum == other.sum;
  }
};

// Reads the capture in pieces, of which each is as large as the function says.
template <typename NextSize>
Seen read(Datum capture, NextSize nextSize) {
  PiecewiseCapture pieces;
  Notes notes;
  Seen seen;
  for (;;) {
    FrameBatch batch;
    const ReadStatus status = pieces.read(batch, notes);
    seen.add(batch);
    seen.add(notes.secrets);
    if (status == ReadStatus::kEnded) return seen;
    if (status == ReadStatus::kMore) {
      if (batch.count == 0) std::abort();  // no progress
      continue;
    }
    if (capture.empty()) {
      pieces.end();
      continue;
    }
    const Datum piece = capture.first(nextSize());
    capture.skipUpTo(piece.size());
    pieces.push(piece);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Datum capture(data, size);
  const Seen whole = read(capture, [&] { return size; });
  const Datum sizes = capture.first(64);
  Datum left = sizes;
  const Seen inPieces = read(capture, [&] {
    if (left.empty()) left = sizes;
    return left.take<1>().u8<0>() + size_t{1};
  });
  if (!(whole == inPieces)) std::abort();
  return 0;
}
