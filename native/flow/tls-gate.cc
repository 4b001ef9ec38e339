#include "flow/tls-gate.h"

namespace hellotap {

namespace {

using namespace tls_record;

constexpr uint8_t kClientHelloType = 1;  // RFC 8446 section 4
constexpr uint8_t kServerHelloType = 2;

// The shortest hellos: version, random, empty session id, and what follows it without extensions.
constexpr uint32_t kMinClientHello = 2 + 32 + 1 + 2 + 2 + 1 + 1;
constexpr uint32_t kMinServerHello = 2 + 32 + 1 + 2 + 1;
constexpr uint32_t kMaxHello = 1 << 17;

// 3.0 to 3.4; drafts of TLS 1.3 used 0x7fxx in the hello but never in the record.
bool isRecordVersion(uint8_t major, uint8_t minor) { return major == 3 && minor <= 4; }

// The hellos of SSL 2.0 (draft-hickman-netscape-ssl-00; the client's also in RFC 5246 appendix E.2): a length of two
// bytes whose first bit is set, then fields that fill it exactly. A client's can offer any version.
Opening classifySslv2(Datum bytes) {
  const auto start = bytes.peek<2>();
  if (!start) return Opening::kUndecided;
  const uint32_t length = start.be16<0>() & 0x7fff;
  const auto type = bytes.peek<3>();
  if (!type) return length < 11 ? Opening::kNotTls : Opening::kUndecided;
  if (type.u8<2>() == 1) {
    const auto hello = bytes.peek<11>();
    if (!hello) return Opening::kUndecided;
    const uint32_t ciphers = hello.be16<5>(), session = hello.be16<7>(), challenge = hello.be16<9>();
    const bool fits = ciphers > 0 && ciphers % 3 == 0 && session <= 32 && challenge >= 16 && challenge <= 32 &&
                      9 + ciphers + session + challenge == length;
    const bool isVersion = hello.be16<3>() == 2 || isRecordVersion(hello.u8<3>(), hello.u8<4>());
    return fits && isVersion ? Opening::kClientHello : Opening::kNotTls;
  }
  if (type.u8<2>() == 4) {
    const auto hello = bytes.peek<13>();
    if (!hello) return Opening::kUndecided;
    const uint32_t certificate = hello.be16<7>(), ciphers = hello.be16<9>(), connection = hello.be16<11>();
    const bool fits =
        ciphers % 3 == 0 && connection >= 16 && connection <= 32 && 11 + certificate + ciphers + connection == length;
    return fits && hello.be16<5>() == 2 ? Opening::kServerHello : Opening::kNotTls;
  }
  return Opening::kNotTls;
}

// Whether fewer bytes than tell can be those of a hello in a record.
bool canBeginHello(Datum bytes) {
  if (bytes.empty() || bytes.data()[0] != kHandshake) return false;
  const uint8_t* at = bytes.data();
  const size_t size = bytes.size();
  if (size > 1 && at[1] != 3) return false;
  if (size > 2 && at[2] > 4) return false;
  return size <= kHeaderBytes || at[kHeaderBytes] == kClientHelloType || at[kHeaderBytes] == kServerHelloType;
}

}  // namespace

Opening classifyOpening(Datum bytes) {
  const auto type = bytes.peek<1>();
  if (!type) return Opening::kUndecided;
  if (type.u8<0>() & 0x80) return classifySslv2(bytes);
  if (type.u8<0>() < kChangeCipherSpec || type.u8<0>() > kApplicationData) return Opening::kNotTls;
  const auto major = bytes.peek<2>();
  if (!major) return Opening::kUndecided;
  if (major.u8<1>() != 3) return Opening::kNotTls;
  const auto header = bytes.peek<kHeaderBytes>();
  if (!header) return Opening::kUndecided;
  const uint32_t length = header.be16<3>();
  if (!isRecordVersion(header.u8<1>(), header.u8<2>()) || length == 0 || length > kMaxLength) return Opening::kNotTls;
  if (header.u8<0>() != kHandshake) return Opening::kOtherRecord;
  const auto message = bytes.peek<kHeaderBytes + 1>();
  if (!message) return Opening::kUndecided;
  switch (message.u8<5>()) {
    case kClientHelloType:
      return Opening::kClientHello;
    case kServerHelloType:
      return Opening::kServerHello;
    default:
      return Opening::kOtherRecord;
  }
}

Opening classifyMidStream(Datum bytes) {
  const auto first = bytes.peek<11>();
  if (!first) return canBeginHello(bytes) ? Opening::kUndecided : Opening::kNotTls;
  if (first.u8<0>() & 0x80) return classifySslv2(bytes);
  if (first.u8<0>() != kHandshake) return Opening::kNotTls;
  const Opening opening = classifyOpening(bytes);
  if (opening != Opening::kClientHello && opening != Opening::kServerHello) return Opening::kNotTls;
  const uint32_t record = first.be16<3>();
  const uint32_t hello = first.be24<6>();
  const uint32_t least = opening == Opening::kClientHello ? kMinClientHello : kMinServerHello;
  // It may be spread over several records, but a first one of a few bytes is none that anybody sends.
  if (record < 6 || hello < least || hello > kMaxHello) return Opening::kNotTls;
  // The version of the hello: 3.x, or a draft of TLS 1.3 (0x7fxx).
  const uint8_t major = first.u8<9>(), minor = first.u8<10>();
  return isRecordVersion(major, minor) || major == 0x7f ? opening : Opening::kNotTls;
}

FoundRecord findRecord(Datum bytes, bool isTls) {
  for (uint32_t at = 0; at < bytes.size(); ++at) {
    const Datum rest = bytes.behind(at);
    const uint8_t first = rest.data()[0];
    if (first == kAlert && isTls) {
      const auto alert = rest.peek<7>();
      if (!alert) return {at, Opening::kUndecided};
      const bool isAlert = isRecordVersion(alert.u8<1>(), alert.u8<2>()) && alert.be16<3>() == 2 &&
                           (alert.u8<5>() == 1 || alert.u8<5>() == 2);
      if (isAlert) return {at, Opening::kOtherRecord};
    }
    if (first != kHandshake && !(first & 0x80)) continue;
    const Opening opening = rest.size() < 11 && first & 0x80 ? Opening::kUndecided : classifyMidStream(rest);
    if (opening != Opening::kNotTls) return {at, opening};
  }
  return {static_cast<uint32_t>(bytes.size()), Opening::kUndecided};
}

bool RecordWalk::advance(Datum bytes, Opening opening, uint32_t beyond) {
  if (at_ == 0 && opening != Opening::kOtherRecord) {
    const auto start = bytes.peek<2>();
    if (start && start.u8<0>() & 0x80) at_ = 2 + (start.be16<0>() & 0x7fff);
  }
  for (;;) {
    if (isProtected_ && at_ - protectedAt_ >= beyond && at_ <= bytes.size()) return true;
    const auto header = bytes.peekAt<kHeaderBytes>(at_);
    if (!header) return false;
    const uint8_t type = header.u8<0>();
    const uint32_t length = header.be16<3>();
    const bool isRecord =
        type >= kChangeCipherSpec && type <= kHeartbeat && header.u8<1>() == 3 && length <= kMaxLength;
    if (isProtected_) {
      if (!isRecord) return true;
      at_ += kHeaderBytes + length;
      continue;
    }
    if (isRecord && type == kApplicationData) {
      firstApplicationData_ = length;
      endClearText(DirectionEnd::kApplicationData);
      continue;
    }
    if (protectedNext_ && !(isRecord && type == kChangeCipherSpec)) {
      // A second hello in clear text follows only on a HelloRetryRequest (RFC 8446 appendix D.4); what else comes is
      // protected.
      bool hello = false;
      if (isRecord && type == kHandshake && length >= kMinServerHello + 4) {
        if (!bytes.peekAt<11>(at_)) return false;
        const auto start = bytes.peekAt<11>(at_);
        const uint32_t message = start.be24<6>();
        const uint32_t least = start.u8<5>() == kClientHelloType ? kMinClientHello : kMinServerHello;
        hello = (start.u8<5>() == kClientHelloType || start.u8<5>() == kServerHelloType) && message >= least &&
                message + 4 <= length && isRecordVersion(start.u8<9>(), start.u8<10>());
      }
      if (!hello) {
        endClearText(DirectionEnd::kChangeCipherSpec);
        continue;
      }
    }
    if (!isRecord) {
      end_ = DirectionEnd::kNotTls;
      return true;
    }
    protectedNext_ = type == kChangeCipherSpec;
    changeCipherSpec_ |= protectedNext_;
    at_ += kHeaderBytes + length;
  }
}

}  // namespace hellotap
