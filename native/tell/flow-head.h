// The beginning of a flow's event: when, which flow, from where to where. As src/output/flow-event.ts writes it.
#ifndef HELLOTAP_TELL_FLOW_HEAD_H_
#define HELLOTAP_TELL_FLOW_HEAD_H_

#include <cstdint>
#include <ctime>

#include "base/datum.h"
#include "base/text-writer.h"
#include "core/batch.h"
#include "crypto/digests.h"

namespace hellotap {

class FlowHead {
 public:
  // Up to `"community_id":"…"`. `input`: the member that names it, with a comma behind it. False, and maybe something
  // written, where the flow is of an unusual kind: dated out of the ordinary, or between embedded IPv4 addresses.
  bool write(const FlowRecordHeader& flow, Datum input, Digests& digests, TextWriter& out);

 private:
  bool writeTime(double microseconds, TextWriter& out);

  std::time_t second_ = -1;  // of the time that was written last
  char text_[20];
};

}  // namespace hellotap

#endif  // HELLOTAP_TELL_FLOW_HEAD_H_
