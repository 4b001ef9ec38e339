// PPP (RFC 1661), with or without the framing of HDLC, and what Cisco made of the latter.
#ifndef HELLOTAP_LINK_PPP_H_
#define HELLOTAP_LINK_PPP_H_

#include "link/link-layer.h"

namespace hellotap {

// From address and control on, where they were not left out; or a frame in Cisco's HDLC, which is told by its address.
NetworkKind decodePpp(Datum& packet, Envelope& envelope);
// From the protocol number on, be it compressed or not.
NetworkKind decodePppProtocol(Datum& packet, Envelope& envelope);
// Address, control, EtherType.
NetworkKind decodeCiscoHdlc(Datum& packet, Envelope& envelope);

}  // namespace hellotap

#endif  // HELLOTAP_LINK_PPP_H_
