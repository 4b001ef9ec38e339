// Wireless frames (IEEE 802.11), alone or behind a radiotap header. Only data in clear text has packets.
#ifndef HELLOTAP_LINK_IEEE80211_H_
#define HELLOTAP_LINK_IEEE80211_H_

#include "link/link-layer.h"

namespace hellotap {

// `isPadded`: the payload begins at a multiple of four bytes.
NetworkKind decodeIeee80211(Datum& packet, Envelope& envelope, bool isPadded = false);
NetworkKind decodeRadiotap(Datum& packet, Envelope& envelope);

// In link-layer.cc: IEEE 802.2 with SNAP, as it is in all data frames.
NetworkKind decodeSnap(Datum& packet, Envelope& envelope);

}  // namespace hellotap

#endif  // HELLOTAP_LINK_IEEE80211_H_
