// MPLS label stacks (RFC 3032). Nothing says what is below one: it is guessed from the bytes.
#ifndef HELLOTAP_LINK_MPLS_H_
#define HELLOTAP_LINK_MPLS_H_

#include "link/link-layer.h"

namespace hellotap {

NetworkKind decodeMpls(Datum& packet, Envelope& envelope);

}  // namespace hellotap

#endif  // HELLOTAP_LINK_MPLS_H_
