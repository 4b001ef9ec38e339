// A flow whose handshake is being followed: both directions with their bytes, and what was learnt of them.
#ifndef HELLOTAP_FLOW_STREAM_H_
#define HELLOTAP_FLOW_STREAM_H_

#include <cstdint>

#include "base/anomaly.h"
#include "flow/flow-key.h"
#include "flow/reassembler.h"
#include "flow/tls-gate.h"
#include "link/envelope.h"

namespace hellotap {

struct Direction {
  Reassembler data;
  RecordWalk walk;
  int64_t firstTime = kNoTime;  // of the packet with the first byte, microseconds since 1970
  uint32_t firstInput = 0;      // that this packet was in
  uint32_t skipped = 0;         // bytes of another protocol before those in `data`
  uint32_t finOffset = 0;       // where the direction ends, if `fin`; counts from its first byte on, as `arrived` does
  uint16_t lagging = 0;         // packets since bytes were acknowledged, or followed by others, that were not seen
  Envelope envelope;            // of the packet with the first byte
  Opening opening = Opening::kUndecided;
  DirectionEnd end = DirectionEnd::kOpen;
  bool done = false;
  bool fin = false;

  // How far the direction is there without a hole, from its first byte on.
  uint32_t arrived() const { return skipped + data.contiguous(); }
  // Lets go of bytes that are of no interest.
  void skip(uint32_t bytes) {
    data.discard(bytes);
    skipped += bytes;
  }
  void finish(DirectionEnd how) {
    end = how;
    done = true;
  }
  // What is handed over: the bytes up to where the walk over the records stopped.
  Datum openingBytes() const {
    if (opening == Opening::kUndecided || opening == Opening::kNotTls) return Datum();
    switch (end) {
      case DirectionEnd::kChangeCipherSpec:
      case DirectionEnd::kApplicationData:
      case DirectionEnd::kNotTls:
        return data.bytes().first(walk.length());
      default:
        return data.bytes();
    }
  }
};

struct Stream {
  FlowKey key;
  Direction directions[2];
  uint64_t flowId = 0;
  uint32_t index = 0;  // of itself
  int client = -1;     // the direction of the client, once a hello told
  bool reset = false;
  bool waiting = false;    // bytes are missing in one of the directions
  bool midStream = false;  // it was met without its SYN
  bool prelude = false;    // it begins with another protocol, behind which a hello may come
  Stream* next = nullptr;  // in the queue of those handed over

  bool isTls() const { return client >= 0; }
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_STREAM_H_
