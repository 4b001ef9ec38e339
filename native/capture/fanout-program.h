// The classic BPF program by which the kernel spreads packets over the rings of a fanout group.
#ifndef HELLOTAP_CAPTURE_FANOUT_PROGRAM_H_
#define HELLOTAP_CAPTURE_FANOUT_PROGRAM_H_

#include "filter/bpf-program.h"

namespace hellotap {

// A number from the outermost two IP addresses, the same for both directions: a flow stays in one ring, and so do its
// fragments (which have no ports) and all that a tunnel carries between two endpoints (whose two directions have
// different ports). Behind up to two VLAN tags and in PPPoE, too; whatever else comes gets 0.
BpfCode fanoutProgram();

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_FANOUT_PROGRAM_H_
