// Everything that the packet core counts. Each only grows; the names are those that JavaScript shows in `stats`.
#ifndef HELLOTAP_BASE_COUNTERS_H_
#define HELLOTAP_BASE_COUNTERS_H_

#include <cstdint>

namespace hellotap {

// clang-format off
#define HELLOTAP_COUNTERS(X)                                                                   \
  X(packets)               /* frames read, whatever was in them */                             \
  X(bytes)                 /* their captured bytes */                                          \
  X(filteredPackets)       /* not matched by the filter expression */                          \
  X(tcpPackets)                                                                                \
  X(udpPackets)                                                                                \
  X(otherPackets)          /* neither IP/TCP nor IP/UDP */                                     \
  X(tunnelledPackets)      /* found in a tunnel over IP; what is in it is counted above too */ \
  X(tunnelsTooDeep)        /* packets with more tunnels, one in the other, than are followed */ \
  X(encryptedFrames)       /* of IEEE 802.11, CAPWAP or PPP, that only their keys open */      \
  X(fragments)             /* of IP packets */                                                 \
  X(packetsJoined)         /* put together of their fragments; counted by what they are too */ \
  X(fragmentsDropped)      /* that no packet can be made of: empty, cut, or beyond 64 KiB */   \
  X(joiningExpired)        /* packets of which fragments never came within half a minute */    \
  X(joiningEvicted)        /* packets given up because too many, or too large ones, were incomplete */ \
  X(joiningOverlaps)       /* packets given up because their fragments overlap */              \
  X(unsupportedLinkType)   /* frames of link types that are not decoded */                     \
  X(malformedPackets)      /* headers that contradict themselves or end early */               \
  X(cutPackets)            /* shortened by the snap length inside of TCP */                    \
  X(damagedRecords)        /* places at which a capture's structure was broken */              \
  X(flowsTracked)          /* entries made in the flow table */                                \
  X(flowsEmitted)          /* flows handed over because they begin like TLS */                 \
  X(flowsNotTls)           /* flows dropped at their first bytes */                            \
  X(flowsTimedOut)         /* TLS flows handed over because of the idle time-out */            \
  X(flowsEvicted)          /* TLS flows handed over early because a cap was met */             \
  X(pendingEvicted)        /* flows without a decision dropped because the table was full */   \
  X(doneEvicted)           /* handed-over flows forgotten early because the table was full */  \
  X(segmentsDropped)       /* TCP segments not kept: too many holes, or no memory under the cap */ \
  X(segmentsOutOfOrder)    /* TCP segments that came before their turn */                      \
  X(streamGaps)            /* directions that end at bytes that never came */                  \
  X(quicFlows)             /* pairs of endpoints that exchanged QUIC Initials */               \
  X(quicFlowsEvicted)      /* of those, forgotten early because the table was full */          \
  X(quicInitials)          /* datagrams that begin with a QUIC Initial */                      \
  X(quicInitialsDropped)   /* of those, over the bound of their connection */

// clang-format on

struct Counters {
#define HELLOTAP_COUNTER_FIELD(name) uint64_t name = 0;
  HELLOTAP_COUNTERS(HELLOTAP_COUNTER_FIELD)
#undef HELLOTAP_COUNTER_FIELD
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_COUNTERS_H_
