// Damaged or hostile input that was survived, as values: each kind is counted always and described once per input.
// Making the text costs something, so it is made only for the first of a kind.
#ifndef HELLOTAP_BASE_ANOMALY_H_
#define HELLOTAP_BASE_ANOMALY_H_

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace hellotap {

enum class Layer : uint8_t { kCapture = 0, kLink = 1, kNetwork = 2, kTransport = 3 };

// name, layer, whether part of the input could not be read because of it
#define HELLOTAP_ANOMALIES(X)                \
  X(read_error, kCapture, true)              \
  X(truncated_record, kCapture, true)        \
  X(bad_record_header, kCapture, true)       \
  X(truncated_block, kCapture, true)         \
  X(bad_block, kCapture, true)               \
  X(unknown_interface, kCapture, true)       \
  X(truncated_compression, kCapture, true)   \
  X(damaged_compression, kCapture, true)     \
  X(unsupported_link_type, kLink, true)      \
  X(truncated_link_header, kLink, false)     \
  X(tunnel_too_deep, kLink, true)            \
  X(snaplen_cut, kNetwork, true)             \
  X(bad_ip_header, kNetwork, false)          \
  X(truncated_ip_header, kNetwork, false)    \
  X(fragment_not_joined, kNetwork, true)     \
  X(bad_tcp_header, kTransport, false)       \
  X(truncated_tcp_header, kTransport, false) \
  X(filter_not_applicable, kCapture, true)   \
  X(interface_down, kCapture, true)          \
  X(flow_table_full, kTransport, false)      \
  X(reassembly_memory_full, kTransport, false)

enum class AnomalyCode : uint16_t {
#define HELLOTAP_ANOMALY_ENUM(name, layer, damage) name,
  HELLOTAP_ANOMALIES(HELLOTAP_ANOMALY_ENUM)
#undef HELLOTAP_ANOMALY_ENUM
      kCount
};

struct AnomalyKind {
  const char* name;
  Layer layer;
  bool damage;
};

inline const AnomalyKind& anomalyKind(AnomalyCode code) {
  static const AnomalyKind kinds[] = {
#define HELLOTAP_ANOMALY_KIND(name, layer, damage) {#name, Layer::layer, damage},
      HELLOTAP_ANOMALIES(HELLOTAP_ANOMALY_KIND)
#undef HELLOTAP_ANOMALY_KIND
  };
  return kinds[static_cast<size_t>(code)];
}

constexpr int64_t kNoOffset = -1;
constexpr int64_t kNoTime = INT64_MIN;

struct Anomaly {
  AnomalyCode code;
  uint32_t input;     // the one that it was met in
  int64_t offset;     // in the capture, or kNoOffset
  int64_t timestamp;  // microseconds since 1970, or kNoTime
  char detail[184];
};

// Keeps what is to be reported until it is fetched; at most one of each kind and input, so it is bounded.
class AnomalyLog {
 public:
  // What is reported from here on was met in this input; in each, every kind may be reported once. Eight bytes are kept
  // for each input.
  void select(uint32_t input) {
    if (input >= seen_.size()) seen_.resize(input + 1, 0);
    input_ = input;
  }

  __attribute__((format(printf, 5, 6))) void report(AnomalyCode code, int64_t offset, int64_t timestamp,
                                                    const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    reportList(code, offset, timestamp, format, arguments);
    va_end(arguments);
  }
  void reportList(AnomalyCode code, int64_t offset, int64_t timestamp, const char* format, va_list arguments) {
    if (!isNew(code) || count_ == kCapacity) return;
    seen_[input_] |= bitOf(code);
    Anomaly& anomaly = pending_[count_++];
    anomaly.code = code;
    anomaly.input = input_;
    anomaly.offset = offset;
    anomaly.timestamp = timestamp;
    std::vsnprintf(anomaly.detail, sizeof anomaly.detail, format, arguments);
  }
  // Lets a kind be reported once more in the input that is selected.
  void forget(AnomalyCode code) { seen_[input_] &= ~bitOf(code); }
  bool isNew(AnomalyCode code) const { return !(seen_[input_] & bitOf(code)); }

  size_t size() const { return count_; }
  const Anomaly& operator[](size_t index) const { return pending_[index]; }
  void removeFirst(size_t count) {
    if (count > count_) count = count_;
    for (size_t i = count; i < count_; ++i) pending_[i - count] = pending_[i];
    count_ -= count;
  }

 private:
  static constexpr size_t kCapacity = 2 * static_cast<size_t>(AnomalyCode::kCount);
  static_assert(static_cast<size_t>(AnomalyCode::kCount) <= 64, "a bit for each kind");
  static uint64_t bitOf(AnomalyCode code) { return uint64_t{1} << static_cast<unsigned>(code); }

  std::vector<uint64_t> seen_ = std::vector<uint64_t>(1);  // per input, a bit for each kind
  uint32_t input_ = 0;
  Anomaly pending_[kCapacity];
  size_t count_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_ANOMALY_H_
