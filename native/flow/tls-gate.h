// Tells from the first bytes of a direction whether it begins like TLS, and walks record headers to the end of the
// handshake in clear text. It knows where a hello begins and nothing of what is in it.
#ifndef HELLOTAP_FLOW_TLS_GATE_H_
#define HELLOTAP_FLOW_TLS_GATE_H_

#include <cstdint>

#include "base/datum.h"

namespace hellotap {

// As the TypeScript side names them (capture/flow-record.ts), in the same order.
enum class DirectionEnd : uint8_t {
  kNone,
  kOpen,
  kChangeCipherSpec,
  kApplicationData,
  kFin,
  kRst,
  kGap,
  kLimit,
  kNotTls,
};

enum class Opening : uint8_t {
  kUndecided,    // too few bytes to tell
  kClientHello,  // also in the format of SSL 2.0
  kServerHello,
  kOtherRecord,  // a TLS record that tells nothing of who sent it, like an alert
  kNotTls,
};

constexpr uint32_t kMaxOpeningBytes = 65536;

// RFC 8446 section 5.1 and 5.2: content types, and 2^14 bytes with some overhead; earlier versions allowed 2048 bytes
// of it.
namespace tls_record {
constexpr uint8_t kChangeCipherSpec = 20;
constexpr uint8_t kAlert = 21;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kApplicationData = 23;
constexpr uint8_t kHeartbeat = 24;
constexpr uint32_t kHeaderBytes = 5;
constexpr uint32_t kMaxLength = 16384 + 2048;
}  // namespace tls_record

// How a direction whose first byte is known to be the first of its stream begins.
Opening classifyOpening(Datum bytes);

// Whether a segment from the middle of nowhere begins with a hello: the same with every field of it checked that can
// be. kUndecided: these few bytes can be the beginning of one.
Opening classifyMidStream(Datum bytes);

// Where in a direction that begins with another protocol the first hello stands (or, once the other side's hello was
// seen, the first alert).
struct FoundRecord {
  uint32_t at;      // nothing before it is one
  Opening opening;  // kUndecided: nor is what stands there, as far as can be told
};
FoundRecord findRecord(Datum bytes, bool isTls);

// Follows the records of one direction.
class RecordWalk {
 public:
  // `bytes`: all of the direction so far, its opening classified. `beyond`: bytes of protected records that are wanted,
  // too, for whoever has the keys. True when it is over; `end` and `length` say why and where.
  bool advance(Datum bytes, Opening opening, uint32_t beyond);

  DirectionEnd end() const { return end_; }
  // Bytes up to the first record that isn't passed on, or behind the last header that was seen.
  uint32_t length() const { return at_; }
  uint32_t firstApplicationData() const { return firstApplicationData_; }
  bool changeCipherSpec() const { return changeCipherSpec_; }

 private:
  void endClearText(DirectionEnd how) {
    end_ = how;
    isProtected_ = true;
    protectedAt_ = at_;
  }

  uint32_t at_ = 0;
  uint32_t protectedAt_ = 0;
  uint32_t firstApplicationData_ = 0;
  DirectionEnd end_ = DirectionEnd::kOpen;
  bool changeCipherSpec_ = false;
  bool isProtected_ = false;    // the clear text has ended, at protectedAt_
  bool protectedNext_ = false;  // the record before was a ChangeCipherSpec
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_TLS_GATE_H_
