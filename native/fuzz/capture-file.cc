// Any bytes as a capture: read as a whole and in pieces whose sizes the input decides. Both have to give the same
// packets, and every byte of every frame has to be readable.
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
  bool operator==(const Seen& other) const {
    return packets == other.packets && bytes == other.bytes && sum == other.sum;
  }
};

Seen readWhole(Datum capture) {
  CaptureReader reader;
  Notes notes;
  Seen seen;
  for (;;) {
    FrameBatch batch;
    const size_t before = capture.size();
    const ReadStatus status = reader.read(capture, true, batch, notes);
    seen.add(batch);
    if (status == ReadStatus::kStarved) std::abort();
    if (status == ReadStatus::kEnded) return seen;
    if (capture.size() == before && batch.count == 0) std::abort();  // no progress
  }
}

Seen readPieces(Datum capture, Datum sizes) {
  PiecewiseCapture pieces;
  Notes notes;
  Seen seen;
  Datum size = sizes;
  for (;;) {
    FrameBatch batch;
    const ReadStatus status = pieces.read(batch, notes);
    seen.add(batch);
    if (status == ReadStatus::kEnded) return seen;
    if (status == ReadStatus::kMore) continue;
    if (capture.empty()) {
      pieces.end();
      continue;
    }
    if (size.empty()) size = sizes;
    const auto next = size.take<1>();
    Datum piece = capture.first(next ? next.u8<0>() + 1u : 1u);
    capture.skipUpTo(piece.size());
    pieces.push(piece);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Datum capture(data, size);
  const Seen whole = readWhole(capture);
  if (!(whole == readPieces(capture, capture.first(64)))) std::abort();
  return 0;
}
