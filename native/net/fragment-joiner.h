// Puts IP packets together of their fragments (RFC 791 section 3.2, RFC 8200 section 4.5). Memory is bounded: so many
// packets, so many bytes, and no longer than half a minute of the packets' time; at a bound older packets make room.
// A fragment that lies within what is there already is a repeat and is ignored; one that overlaps otherwise ends its
// packet, as RFC 5722 demands for IPv6 and Linux does for both.
#ifndef HELLOTAP_NET_FRAGMENT_JOINER_H_
#define HELLOTAP_NET_FRAGMENT_JOINER_H_

#include <cstdint>
#include <vector>

#include "base/buffer-pool.h"
#include "base/notes.h"
#include "net/ip.h"

namespace hellotap {

class FragmentJoiner {
 public:
  FragmentJoiner(const uint64_t (&secret)[4], Notes& notes);
  ~FragmentJoiner();
  FragmentJoiner(const FragmentJoiner&) = delete;
  FragmentJoiner& operator=(const FragmentJoiner&) = delete;

  // Takes a fragment; true where its packet is whole now: then `ip` is that packet, whose bytes are valid until release.
  // `realm` as in Envelope.
  bool join(IpPacket& ip, uint16_t realm, int64_t timestamp);
  // Gives back the bytes of the packets that were whole.
  void release();
  // Gives up all that is incomplete.
  void finish();

 private:
  static constexpr size_t kSets = 256;
  static constexpr size_t kWays = 4;
  static constexpr size_t kMaxBytes = 4 << 20;
  static constexpr int64_t kMaxMicroseconds = 30 * 1000000;
  // Not for long: the same id comes again after 65,536 packets.
  static constexpr int64_t kDoneMicroseconds = 100 * 1000;
  static constexpr unsigned kMaxRanges = 16;
  static constexpr uint32_t kMaxLength = 65535;

  struct Range {
    uint32_t begin;
    uint32_t end;
  };
  struct Packet {
    uint64_t source[2];
    uint64_t destination[2];
    uint32_t id;
    uint16_t realm;
    uint8_t version;  // 0: not in use
    uint8_t protocol;
    bool isDone;    // it was whole; repeats of its fragments may still come
    int64_t since;  // time of its first fragment, or when it was whole
    uint8_t* buffer;
    uint32_t capacity;
    uint32_t length;  // of the whole; 0 where the last fragment has not come
    uint32_t ranges;
    Range range[kMaxRanges];  // what is there: ascending, not touching

    bool isOf(const IpPacket& ip, uint16_t itsRealm) const;
    bool isWhole() const { return ranges == 1 && range[0].begin == 0 && range[0].end == length; }
  };
  struct Buffer {
    uint8_t* bytes;
    uint32_t size;
  };
  enum class Placed : uint8_t { kNew, kRepeat, kOverlap, kTooMany };

  Packet& packetOf(const IpPacket& ip, uint16_t realm, int64_t timestamp);
  static Placed place(Packet& packet, uint32_t begin, uint32_t end);
  bool ensureBuffer(Packet& packet, uint32_t end);
  void giveUp(Packet& packet, uint64_t& counter);
  void report(uint8_t protocol, int64_t timestamp);
  uint64_t hash(const IpPacket& ip) const;

  uint64_t secret_[2];
  Notes& notes_;
  BufferPool pool_;
  std::vector<Packet> packets_;  // made when the first fragment comes; a set of four per hash
  std::vector<Buffer> whole_;    // of packets that were handed out
  size_t hand_ = 0;              // the packet that makes room next, where bytes are short
};

}  // namespace hellotap

#endif  // HELLOTAP_NET_FRAGMENT_JOINER_H_
