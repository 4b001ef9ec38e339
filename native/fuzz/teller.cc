// A teller that is taught and asked in any order: stencils cut anywhere, batches of flows that fit them or do not, records
// that are none, and too little memory for the text.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tell/teller.h"

using namespace hellotap;

namespace {

// Numbers out of the fuzzer's bytes; 0 once they are used up.
class Choices {
 public:
  explicit Choices(Datum bytes) : bytes_(bytes) {}
  bool isDone() const { return bytes_.empty(); }
  uint8_t byte() {
    const auto one = bytes_.take<1>();
    return one ? one.u8<0>() : 0;
  }
  Datum bytes() {
    Datum out;
    const size_t length = byte();
    return bytes_.take(length, out) ? out : Datum();
  }
  // Ascending, but for some.
  std::vector<Hole> holes() {
    std::vector<Hole> holes;
    uint32_t at = 0;
    for (uint8_t count = byte() % 5; count > 0; --count) {
      const uint32_t begin = at + byte() % 16, end = begin + byte() % 40;
      holes.push_back({begin, end, static_cast<HoleKind>(byte() % 4)});
      at = byte() % 16 == 0 ? 0 : end;
    }
    return holes;
  }
  Span span() {
    const uint32_t begin = byte();
    return {begin, begin + byte() % 64};
  }

 private:
  Datum bytes_;
};

void addFlow(std::vector<uint8_t>& batch, Choices& choices, Datum client, Datum server) {
  FlowRecordHeader header{};
  header.kind = static_cast<RecordKind>(1 + (choices.byte() % 8 == 0));
  header.ipVersion = choices.byte() % 2 ? 4 : 6;
  header.flowId = choices.byte();
  header.timestamp = 1e9 * choices.byte() - 1e9;
  std::memset(header.serverAddress, choices.byte() % 4, sizeof header.serverAddress);
  std::memset(header.clientAddress, choices.byte(), sizeof header.clientAddress);
  header.serverPort = choices.byte() % 4;
  header.changeCipherSpec = choices.byte() % 4;
  header.vlanCount = choices.byte() % 8;
  header.headerBytes = choices.byte() % 8 ? sizeof header : choices.byte();
  // Now and then a record says that it holds more than it does.
  header.clientBytes = static_cast<uint32_t>(client.size()) + (choices.byte() % 16 == 0 ? 9 : 0);
  header.serverBytes = static_cast<uint32_t>(server.size());
  header.input = choices.byte() % 3;
  const size_t bytes = (sizeof header + client.size() + server.size() + 7) & ~size_t{7};
  header.recordBytes = static_cast<uint32_t>(choices.byte() % 16 == 0 ? choices.byte() : bytes);
  const size_t at = batch.size();
  batch.resize(at + bytes);
  std::memcpy(batch.data() + at, &header, sizeof header);
  if (!client.empty()) std::memcpy(batch.data() + at + sizeof header, client.data(), client.size());
  if (!server.empty()) std::memcpy(batch.data() + at + sizeof header + client.size(), server.data(), server.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint64_t secret[4] = {1, 2, 3, 4};
  const uint8_t reserved[Stencils::kReservedBytes] = {};
  Choices choices(Datum(data, size));
  Teller teller(reserved, secret);
  std::vector<uint8_t> batch, text(2048);
  uint32_t client = 0, server = 0;
  Datum clientBytes, serverBytes;
  for (int step = 0; !choices.isDone() && step < 256; ++step) {
    switch (choices.byte() % 8) {
      case 0: {
        clientBytes = choices.bytes();
        const auto holes = choices.holes();
        client = teller.openings().learn(clientBytes, holes.data(), holes.size());
        const Span name = choices.span();
        teller.describeClient(client, choices.span(), choices.span(), choices.byte() % 2 ? &name : nullptr,
                              choices.bytes(), choices.bytes());
        if (choices.byte() % 8 == 0) teller.knowOwnHellos(choices.bytes());
        break;
      }
      case 1: {
        serverBytes = choices.bytes();
        const auto holes = choices.holes();
        server = teller.openings().learn(serverBytes, holes.data(), holes.size());
        const Span parts[2] = {choices.span(), choices.span()};
        teller.describeServer(server, parts, choices.byte() % 3, choices.bytes(), choices.bytes(), choices.bytes(),
                              choices.byte() % 2);
        break;
      }
      case 2: {
        const auto holes = choices.holes();
        const Piece pieces[2] = {{static_cast<PieceKind>(choices.byte() % 4), choices.byte(), choices.byte()},
                                 {static_cast<PieceKind>(choices.byte() % 4), choices.byte(), choices.byte()}};
        const Datum certificate = choices.bytes();
        teller.certificates().learn(certificate, holes.data(), holes.size(), pieces, choices.byte() % 3,
                                    choices.bytes());
        break;
      }
      case 3:
        teller.nameInput(choices.byte() % 4, choices.bytes());
        if (choices.byte() % 8 == 0) teller.certificates().list(choices.bytes());
        break;
      case 4:
        batch.clear();
        break;
      case 5:
        addFlow(batch, choices, clientBytes, serverBytes);
        break;
      case 6: {
        Answer* answer = teller.answerFor(Datum(batch.data(), batch.size()), choices.byte() * 8u, choices.byte() % 2);
        if (!answer) break;
        answer->until = choices.byte();
        answer->status = choices.byte() % Answers::kStatuses;
        answer->verdict.assign(choices.byte(), 'v');
        if (choices.byte() % 2) answer->add({client, server});
        break;
      }
      default: {
        const Datum all(batch.data(), batch.size());
        const size_t room = choices.byte() * 8u;
        const Told told = teller.tell(all, choices.byte() * 8u, choices.byte(), text.data(), room);
        if (told.bytes > room || told.at > all.size() || (told.lines == 0 && told.bytes > 0)) std::abort();
        if (told.bytes > 0 && text[told.bytes - 1] != '\n') std::abort();
        uint32_t found[64];
        if (teller.recognise(all, found, 32) > 32) std::abort();
        if (choices.byte() % 8 == 0) teller.answers().forgetAll();
        break;
      }
    }
  }
  return 0;
}
