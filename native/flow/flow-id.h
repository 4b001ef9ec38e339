// One number space of flows for all tables of the process, whatever thread they are in.
#ifndef HELLOTAP_FLOW_FLOW_ID_H_
#define HELLOTAP_FLOW_FLOW_ID_H_

#include <atomic>
#include <cstdint>

namespace hellotap {

inline std::atomic<uint64_t> nextFlowId{1};

inline uint64_t takeFlowId() { return nextFlowId.fetch_add(1, std::memory_order_relaxed); }

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_FLOW_ID_H_
