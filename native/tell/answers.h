// What is to be said of servers: verdicts as JSON, by address, port and name. Somebody else decides what they are
// (src/engine/flow-lines.ts) and for how long; whatever is not here has to be asked for again.
#ifndef HELLOTAP_TELL_ANSWERS_H_
#define HELLOTAP_TELL_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/datum.h"
#include "core/batch.h"

namespace hellotap {

// The client's and the server's opening, by the numbers of their stencils.
struct Handshake {
  uint32_t client;
  uint32_t server;
};

struct Answer {
  static constexpr size_t kMaxHandshakes = 32;

  double until = 0;    // milliseconds of whatever clock the caller has
  uint32_t status = 0;  // for the caller's counters
  std::string verdict;  // JSON
  // Handshakes that it is good for, the newest in place of the oldest; none: for any.
  Handshake handshakes[kMaxHandshakes];
  uint32_t handshakeCount = 0;

  bool isFor(Handshake handshake) const;
  void add(Handshake handshake);
};

class Answers {
 public:
  static constexpr uint32_t kSets = 2048;
  static constexpr uint32_t kWays = 8;
  // Longer ones are not remembered.
  static constexpr size_t kMaxNameBytes = 64;
  static constexpr size_t kMaxVerdictBytes = 2048;
  static constexpr uint32_t kStatuses = 4;

  explicit Answers(const uint64_t (&secret)[4]);

  // What is remembered for any name at the flow's server, else for this one; null where that is nothing, or too old.
  // `name`: as it stands in the hello; null: it has none.
  Answer* find(const FlowRecordHeader& flow, const Datum* name, double now);
  // Where to remember it; null where it cannot be. What was there before is still there. `isForAny`: for any name.
  Answer* make(const FlowRecordHeader& flow, const Datum* name, bool isForAny);
  void forgetAll();

 private:
  struct Key {
    uint8_t address[16];
    uint16_t port;
    uint8_t version;
    uint8_t nameKind;
    uint32_t nameBytes;
    uint8_t name[kMaxNameBytes];

    bool operator==(const Key& other) const;
  };
  struct Entry {
    uint64_t hash = 0;
    Key key;
    Answer answer;
  };
  struct Set {
    Entry entries[kWays];
    uint8_t next = 0;  // whose turn it is to make room
  };

  static bool makeKey(const FlowRecordHeader& flow, const Datum* name, bool isForAny, Key& key);
  uint64_t hash(const Key& key) const;
  Entry* find(const Key& key, uint64_t hash);

  uint64_t secret_[4];
  std::unique_ptr<Set> sets_[kSets];  // made when needed
};

}  // namespace hellotap

#endif  // HELLOTAP_TELL_ANSWERS_H_
