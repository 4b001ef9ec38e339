// Time as the packets tell it, for time-outs: it never goes back, and a single damaged time stamp doesn't move it.
#ifndef HELLOTAP_FLOW_FLOW_CLOCK_H_
#define HELLOTAP_FLOW_FLOW_CLOCK_H_

#include <cstdint>

namespace hellotap {

class FlowClock {
 public:
  static constexpr unsigned kTickShift = 17;  // a tick is 2^17 microseconds, about an eighth of a second
  static constexpr uint32_t ticks(uint32_t seconds) { return static_cast<uint32_t>(int64_t{seconds} * 1000000 >> kTickShift); }

  // True where a new tick began.
  bool advance(int64_t timestamp) {
    const int64_t step = timestamp - last_;
    if (__builtin_expect(static_cast<uint64_t>(step) <= static_cast<uint64_t>(kMaxStep), 1)) {
      last_ = timestamp;
      return add(step);
    }
    return jump(timestamp);
  }
  uint32_t now() const { return static_cast<uint32_t>(elapsed_ >> kTickShift); }

 private:
  static constexpr int64_t kMaxStep = 60 * 1000000LL;

  bool add(int64_t step) {
    const int64_t before = elapsed_ >> kTickShift;
    elapsed_ += step;
    return elapsed_ >> kTickShift != before;
  }

  // A step back within a minute is packets that overtook one another. Any other jump is believed once a later packet bears it out.
  bool jump(int64_t timestamp) {
    if (!started_) {
      started_ = true;
      last_ = timestamp;
      return false;
    }
    if (timestamp < last_ && timestamp >= last_ - kMaxStep) return false;
    const int64_t claimed = claimed_;
    claimed_ = timestamp;
    const bool borneOut = isClaimed_ && timestamp >= claimed && timestamp - claimed <= kMaxClaim;
    isClaimed_ = true;
    if (!borneOut) return false;
    const int64_t step = claimed - last_;
    last_ = claimed;
    return add(step > 0 ? step : 0);
  }

  static constexpr int64_t kMaxClaim = 86400 * 1000000LL;

  int64_t last_ = 0;
  int64_t elapsed_ = 0;
  int64_t claimed_ = 0;
  bool started_ = false;
  bool isClaimed_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_FLOW_CLOCK_H_
