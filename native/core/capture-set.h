// Capture files that are read as one input, packet by packet in order of time. Rotated captures of one tap follow one
// another; where captures overlap, like those of two taps, their packets are interleaved. Which files are read when is
// for others to say: files join at any time, and packets behind the horizon wait for those of files to come.
#ifndef HELLOTAP_CORE_CAPTURE_SET_H_
#define HELLOTAP_CORE_CAPTURE_SET_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/input.h"

namespace hellotap {

class CaptureSet : public Input {
 public:
  static constexpr int64_t kNoHorizon = INT64_MAX;

  // `input`: the number of this capture.
  void add(uint32_t input, std::unique_ptr<FileCapture> capture);
  // Packets of a later time (microseconds since 1970) wait.
  void setHorizon(int64_t time) { horizon_ = time; }
  // Captures that are not read to their end.
  size_t size() const;
  // Those that are still being written, and had no more, are looked at again.
  void wake();
  // A capture that is still being written ends where it ends now.
  void endFollowing(uint32_t input);
  // A capture ends with what was read of it.
  void drop(uint32_t input);

  // kEnded: there is nothing more up to the horizon at the moment.
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 private:
  struct Member {
    uint32_t input;
    std::unique_ptr<FileCapture> capture;
    FrameBatch held;  // frames that wait for their time, from `at` on
    size_t at = 0;
    bool ended = false;
    bool resting = false;  // still being written, and had no more

    bool holds() const { return at < held.count; }
    int64_t nextTime() const { return held.frames[at].timestamp; }
  };

  // Sees to it that every member that can holds a frame; those that are over go.
  void fill(Notes& notes);
  void readInto(Member& member, FrameBatch& batch, Notes& notes);
  ReadStatus readAlone(Member& member, FrameBatch& out, Notes& notes);

  std::vector<std::unique_ptr<Member>> members_;
  int64_t horizon_ = kNoHorizon;
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_CAPTURE_SET_H_
