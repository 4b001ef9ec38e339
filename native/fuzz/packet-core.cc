// Any bytes as a capture, all the way through the packet core to batches.
#include <cstdlib>
#include <vector>

#include "core/packet-core.h"

using namespace hellotap;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::vector<uint8_t> batch(kMaxRecordBytes);
  const uint64_t secret[4] = {1, 2, 3, 4};
  FlowLimits limits;
  limits.maxFlows = 64;
  limits.reassemblyBytes = 1 << 18;
  PacketCore core(limits, secret);
  PiecewiseCapture capture;
  capture.push(Datum(data, size));
  capture.end();
  for (ReadStatus status = ReadStatus::kMore; status == ReadStatus::kMore;) {
    BatchWriter writer(batch.data(), batch.size());
    status = core.drain(capture, writer, 1 << 16);
  }
  for (;;) {
    BatchWriter writer(batch.data(), batch.size());
    core.finish(writer);
    if (writer.written() == 0) break;
  }
  if (core.flowCount() != 0) std::abort();
  return 0;
}
