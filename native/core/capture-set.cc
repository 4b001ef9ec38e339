#include "core/capture-set.h"

#include <algorithm>

namespace hellotap {

void CaptureSet::add(uint32_t input, std::unique_ptr<FileCapture> capture) {
  auto member = std::make_unique<Member>();
  member->input = input;
  member->capture = std::move(capture);
  members_.push_back(std::move(member));
}

size_t CaptureSet::size() const {
  const auto isOver = [](const auto& member) { return member->ended && !member->holds(); };
  return members_.size() - static_cast<size_t>(std::count_if(members_.begin(), members_.end(), isOver));
}

void CaptureSet::wake() {
  for (auto& member : members_) member->resting = false;
}

void CaptureSet::endFollowing(uint32_t input) {
  for (auto& member : members_) {
    if (member->input != input) continue;
    member->capture->endFollowing();
    member->resting = false;
  }
}

void CaptureSet::drop(uint32_t input) {
  members_.erase(
      std::remove_if(members_.begin(), members_.end(), [input](const auto& member) { return member->input == input; }),
      members_.end());
}

void CaptureSet::readInto(Member& member, FrameBatch& batch, Notes& notes) {
  batch.clear();
  batch.input = member.input;
  notes.select(member.input);
  const ReadStatus status = member.capture->read(batch, notes);
  member.ended = status == ReadStatus::kEnded;
  member.resting = status == ReadStatus::kStarved;
}

void CaptureSet::fill(Notes& notes) {
  for (auto& member : members_) {
    while (!member->holds() && !member->ended && !member->resting) {
      readInto(*member, member->held, notes);
      member->at = 0;
    }
  }
  members_.erase(std::remove_if(members_.begin(), members_.end(),
                                [](const auto& member) { return member->ended && !member->holds(); }),
                 members_.end());
}

// A capture that overlaps with no other goes through without a detour; frames behind the horizon are held.
ReadStatus CaptureSet::readAlone(Member& member, FrameBatch& out, Notes& notes) {
  readInto(member, out, notes);
  const auto isLate = [this](const Frame& frame) { return frame.timestamp > horizon_; };
  Frame* const end = out.frames + out.count;
  Frame* const late = horizon_ == kNoHorizon ? end : std::find_if(out.frames, end, isLate);
  if (late != end) {
    member.held.input = member.input;
    member.held.count = static_cast<size_t>(std::copy(late, end, member.held.frames) - member.held.frames);
    member.at = 0;
    out.count = static_cast<size_t>(late - out.frames);
    return out.count > 0 ? ReadStatus::kMore : ReadStatus::kEnded;
  }
  return member.ended && out.count == 0 ? ReadStatus::kEnded : ReadStatus::kMore;
}

ReadStatus CaptureSet::read(FrameBatch& out, Notes& notes) {
  const bool isAlone = members_.size() == 1;
  if (Member* only = isAlone ? members_.front().get() : nullptr;
      only && !only->holds() && !only->ended && !only->resting)
    return readAlone(*only, out, notes);
  fill(notes);
  Member* first = nullptr;
  int64_t until = horizon_;
  for (auto& member : members_) {
    if (!member->holds()) continue;
    if (!first || member->nextTime() < first->nextTime()) {
      if (first) until = std::min(until, first->nextTime());
      first = member.get();
    } else {
      until = std::min(until, member->nextTime());
    }
  }
  if (!first || first->nextTime() > horizon_) return ReadStatus::kEnded;
  out.input = first->input;
  while (first->holds() && first->nextTime() <= until) out.add() = first->held.frames[first->at++];
  return ReadStatus::kMore;
}

}  // namespace hellotap
