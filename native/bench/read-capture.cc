// Reads a capture through the packet core, without Node: says how many flows came out and what CPU time that took.
#include <cstdio>
#include <memory>
#include <vector>

#include <sys/resource.h>

#include "core/packet-core.h"

using namespace hellotap;

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int count, char** arguments) {
  FileCapture capture;
  if (count != 2 || capture.open(arguments[1]) != 0) {
    std::fprintf(stderr, "usage: read-capture CAPTURE\n");
    return 2;
  }
  const uint64_t secret[4] = {1, 2, 3, 4};
  const auto core = std::make_unique<PacketCore>(FlowLimits(), secret);
  std::vector<uint8_t> batch(256 * 1024);
  uint64_t written = 0;
  for (ReadStatus status = ReadStatus::kMore; status == ReadStatus::kMore;) {
    BatchWriter writer(batch.data(), batch.size());
    status = core->drain(capture, writer, 32u << 20);
    written += writer.written();
  }
  for (bool more = true; more;) {
    BatchWriter writer(batch.data(), batch.size());
    more = core->finish(writer);
    written += writer.written();
  }
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  const Counters& counters = core->counters();
  std::printf("%llu packets, %llu flows, %llu bytes handed over, %.3f s CPU (%.3f user, %.3f system), %ld MiB\n",
              static_cast<unsigned long long>(counters.packets), static_cast<unsigned long long>(counters.flowsEmitted),
              static_cast<unsigned long long>(written), seconds(used.ru_utime) + seconds(used.ru_stime),
              seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss >> 10);
  return 0;
}
