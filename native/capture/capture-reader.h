// Tells the format of a capture from its first bytes and reads it, whole or in pieces as they arrive.
#ifndef HELLOTAP_CAPTURE_CAPTURE_READER_H_
#define HELLOTAP_CAPTURE_CAPTURE_READER_H_

#include "capture/pcap-reader.h"
#include "capture/pcapng-reader.h"

namespace hellotap {

enum class CaptureFormat : uint8_t { kUndecided, kPcap, kPcapng, kUnknown };

class CaptureReader {
 public:
  CaptureFormat format() const { return format_; }
  // Only what classic pcap says of all its packets; pcapng says it per interface, on the way.
  uint16_t linkType() const { return pcap_.linkType(); }
  // Takes up a classic pcap in the middle (PcapReader::continueAt); false where that isn't its header.
  bool continuePcap(Fixed<PcapReader::kFileHeaderBytes> header, int64_t offset, size_t delivered) {
    if (!pcap_.open(header)) return false;
    pcap_.continueAt(offset, delivered);
    format_ = CaptureFormat::kPcap;
    return true;
  }

  // As PcapReader::read. Where the format is unknown, nothing is consumed and the answer is kEnded.
  ReadStatus read(Datum& input, bool last, FrameBatch& out, Notes& notes) {
    if (format_ == CaptureFormat::kUndecided && !sniff(input, last)) return ReadStatus::kStarved;
    switch (format_) {
      case CaptureFormat::kPcap:
        return pcap_.read(input, last, out, notes);
      case CaptureFormat::kPcapng:
        return pcapng_.read(input, last, out, notes);
      default:
        return ReadStatus::kEnded;
    }
  }

  // Takes the header of a classic pcap, or sees that pcapng begins here; false while more bytes are needed.
  bool sniff(Datum& input, bool last) {
    const auto magic = input.peek<4>();
    if (!magic) {
      if (last) format_ = CaptureFormat::kUnknown;
      return last;
    }
    if (PcapReader::isMagic(magic.be32<0>())) {
      if (input.size() < PcapReader::kFileHeaderBytes && !last) return false;
      format_ = pcap_.open(input.take<PcapReader::kFileHeaderBytes>()) ? CaptureFormat::kPcap : CaptureFormat::kUnknown;
      return true;
    }
    if (input.size() < PcapngReader::kSectionStartBytes && !last) return false;
    format_ = PcapngReader::isSectionStart(input.peek<PcapngReader::kSectionStartBytes>()) ? CaptureFormat::kPcapng
                                                                                           : CaptureFormat::kUnknown;
    return true;
  }

 private:
  CaptureFormat format_ = CaptureFormat::kUndecided;
  PcapReader pcap_;
  PcapngReader pcapng_;
};

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_CAPTURE_READER_H_
