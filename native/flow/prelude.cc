#include "flow/prelude.h"

namespace hellotap {

namespace {

// A pattern for the first bytes; `?` stands for any byte.
struct Pattern {
  const char* bytes;
  uint8_t length;
};

#define HELLOTAP_PATTERN(text) {text, sizeof(text) - 1}

// clang-format off
constexpr Pattern kPatterns[] = {
    // The greetings of SMTP and FTP servers, IMAP, POP3, ManageSieve and NNTP.
    HELLOTAP_PATTERN("220 "), HELLOTAP_PATTERN("220-"), HELLOTAP_PATTERN("* OK"), HELLOTAP_PATTERN("* PREAUTH"),
    HELLOTAP_PATTERN("+OK"), HELLOTAP_PATTERN("\"IMPLEMENTATION\""), HELLOTAP_PATTERN("200 "), HELLOTAP_PATTERN("201 "),
    // Their clients, where the greeting was not seen.
    HELLOTAP_PATTERN("EHLO "), HELLOTAP_PATTERN("HELO "), HELLOTAP_PATTERN("LHLO "), HELLOTAP_PATTERN("AUTH TLS"),
    HELLOTAP_PATTERN("AUTH SSL"), HELLOTAP_PATTERN("STARTTLS"), HELLOTAP_PATTERN("STLS"), HELLOTAP_PATTERN("CAPA"),
    // XMPP (RFC 6120 section 4.2).
    HELLOTAP_PATTERN("<?xml"), HELLOTAP_PATTERN("<stream:"),
    // LDAP (RFC 4511 section 4.1.1): a SEQUENCE with a message id of one byte, its length in one byte or in four.
    HELLOTAP_PATTERN("\x30?\x02\x01"), HELLOTAP_PATTERN("\x30\x84????\x02\x01"),
    // PostgreSQL: SSLRequest, GSSENCRequest.
    HELLOTAP_PATTERN("\0\0\0\x08\x04\xd2\x16\x2f"), HELLOTAP_PATTERN("\0\0\0\x08\x04\xd2\x16\x30"),
    // MySQL: the server's first packet (below 256 bytes, number 0, protocol version 10); the client's SSLRequest (number 1).
    HELLOTAP_PATTERN("?\0\0\0\x0a"), HELLOTAP_PATTERN("\x20\0\0\x01"),
    // RDP: a TPKT with an X.224 connection request or confirm (RFC 1006 section 6, ITU-T X.224).
    HELLOTAP_PATTERN("\x03\0???\xe0"), HELLOTAP_PATTERN("\x03\0???\xd0"),
    // Proxies: HTTP's CONNECT (RFC 9110 section 9.3.6), SOCKS 4 CONNECT, SOCKS 5 (RFC 1928) with up to three methods.
    HELLOTAP_PATTERN("CONNECT "), HELLOTAP_PATTERN("\x04\x01"), HELLOTAP_PATTERN("\x05\x01"), HELLOTAP_PATTERN("\x05\x02"),
    HELLOTAP_PATTERN("\x05\x03"),
    // The PROXY protocol, version 1 and 2.
    HELLOTAP_PATTERN("PROXY "), {kProxyV2, sizeof kProxyV2},
};
// clang-format on

}  // namespace

Prelude classifyPrelude(Datum bytes) {
  Prelude best = Prelude::kNo;
  for (const Pattern& pattern : kPatterns) {
    size_t at = 0;
    while (at < pattern.length && at < bytes.size() &&
           (pattern.bytes[at] == '?' || static_cast<uint8_t>(pattern.bytes[at]) == bytes.data()[at]))
      ++at;
    if (at == pattern.length) return Prelude::kYes;
    if (at == bytes.size()) best = Prelude::kUndecided;
  }
  return best;
}

}  // namespace hellotap
