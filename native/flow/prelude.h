// Tells from the first bytes of a direction whether it begins with a protocol that can turn into TLS on the way: STARTTLS
// (RFC 3207, 2595, 4217, 6120, 4511; PostgreSQL, MySQL and RDP have their own), a proxy's tunnel (CONNECT, SOCKS), or a
// header that a proxy puts in front. What is in them is of no interest: the hello behind them is looked for (tls-gate.h).
#ifndef HELLOTAP_FLOW_PRELUDE_H_
#define HELLOTAP_FLOW_PRELUDE_H_

#include <cstdint>
#include <cstring>

#include "base/datum.h"

namespace hellotap {

enum class Prelude : uint8_t {
  kNo,
  kUndecided,  // too few bytes to tell
  kYes,
};

// So many bytes of a direction are searched; a hello that comes later is found only where it begins a segment.
constexpr uint32_t kMaxPreludeBytes = 1 << 16;

// How version 2 of the PROXY protocol begins (haproxy's doc/proxy-protocol.txt, section 2.2).
constexpr char kProxyV2[12] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

Prelude classifyPrelude(Datum bytes);

// Whether a segment begins with the header of the PROXY protocol, which says that a connection begins here, SYN or not.
inline bool beginsWithProxyHeader(Datum bytes) {
  constexpr size_t kEnough = 6;
  if (bytes.size() < kEnough) return false;
  return std::memcmp(bytes.data(), "PROXY ", kEnough) == 0 || std::memcmp(bytes.data(), kProxyV2, kEnough) == 0;
}

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_PRELUDE_H_
