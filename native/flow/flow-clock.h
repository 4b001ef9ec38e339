// Time as the packets tell it, for time-outs. It never goes back, a single damaged time stamp does not move it, and
// where a capture holds two clocks it follows the one that is ahead.
#ifndef HELLOTAP_FLOW_FLOW_CLOCK_H_
#define HELLOTAP_FLOW_FLOW_CLOCK_H_

#include <cstdint>

namespace hellotap {

class FlowClock {
 public:
  enum class Step : uint8_t {
    kSame,
    kTick,  // a new tick began
    kJump,  // likewise, after a pause; what happened from `jumpedAt` on is as recent as can be
  };

  static constexpr unsigned kTickShift = 17;  // a tick is 2^17 microseconds, about an eighth of a second
  static constexpr uint32_t ticks(uint32_t seconds) {
    return static_cast<uint32_t>(int64_t{seconds} * 1000000 >> kTickShift);
  }

  // `timestamp`: microseconds since 1970.
  Step advance(int64_t timestamp) {
    const int64_t ahead = timestamp - latest_;
    if (__builtin_expect(static_cast<uint64_t>(ahead) <= kMaxStep, 1)) {
      isClaimed_ = false;
      behind_ = 0;
      latest_ = timestamp;
      return add(ahead) ? Step::kTick : Step::kSame;
    }
    return doubt(timestamp);
  }

  uint32_t now() const { return static_cast<uint32_t>(elapsed_ >> kTickShift); }
  uint32_t jumpedAt() const { return jumpedAt_; }

 private:
  static constexpr uint64_t kMaxStep = 60 * 1000000;
  // So many packets in a row that are far behind: the clock was set back.
  static constexpr uint32_t kMaxBehind = 4096;

  bool add(int64_t step) {
    const int64_t before = elapsed_ >> kTickShift;
    elapsed_ += step;
    return elapsed_ >> kTickShift != before;
  }

  Step doubt(int64_t timestamp) {
    if (!started_) {
      started_ = true;
      latest_ = timestamp;
      return Step::kSame;
    }
    if (timestamp < latest_) {
      isClaimed_ = false;
      if (latest_ - timestamp > static_cast<int64_t>(kMaxStep) && ++behind_ > kMaxBehind) {
        latest_ = timestamp;
        behind_ = 0;
      }
      return Step::kSame;
    }
    // Far ahead: believed when the next packet is there as well. That packet and what it belongs to must not seem old
    // by then, so it gets a tick of its own.
    if (!isClaimed_ || timestamp + static_cast<int64_t>(kMaxStep) < claimed_) {
      isClaimed_ = true;
      claimed_ = timestamp;
      add(int64_t{1} << kTickShift);
      jumpedAt_ = now();
      return Step::kTick;
    }
    const int64_t step = claimed_ - latest_;
    latest_ = claimed_;
    if (timestamp - latest_ > static_cast<int64_t>(kMaxStep)) {
      claimed_ = timestamp;  // and another pause
    } else {
      isClaimed_ = false;
      if (timestamp > latest_) latest_ = timestamp;
    }
    add(step);
    return Step::kJump;
  }

  int64_t latest_ = 0;  // highest time stamp that is believed
  int64_t elapsed_ = 0;
  int64_t claimed_ = 0;  // one that is not believed yet
  uint32_t jumpedAt_ = 0;
  uint32_t behind_ = 0;
  bool isClaimed_ = false;
  bool started_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_FLOW_CLOCK_H_
