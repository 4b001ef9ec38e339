// Writes the events of flows that are like others: both openings fit a stencil, the certificate fits one, and what is to
// be said of the server is known. What any of that means is decided elsewhere (src/engine/flow-lines.ts), once for each
// kind of opening and each server; here its text is put together. At whatever is new the teller stops, and whoever
// reads that flow teaches it.
#ifndef HELLOTAP_TELL_TELLER_H_
#define HELLOTAP_TELL_TELLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/datum.h"
#include "base/text-writer.h"
#include "core/batch.h"
#include "crypto/digests.h"
#include "tell/answers.h"
#include "tell/certificate-texts.h"
#include "tell/flow-head.h"
#include "tell/stencils.h"

namespace hellotap {

// A part of an opening.
struct Span {
  uint32_t begin;
  uint32_t end;
};

// Why the teller stopped. The numbers are those of Stop in src/capture/teller.ts.
enum class Stop : uint32_t {
  kEnd = 0,          // of the batch
  kFull = 1,         // the memory for text
  kOther = 2,        // no flow, or one that is not for the teller
  kOpening = 3,      // an opening that is new
  kCertificate = 4,  // a certificate that is new
  kAnswer = 5,       // a server of which it is not known what to say
};

struct Told {
  Stop stop = Stop::kEnd;
  size_t at = 0;           // where the record begins that is next
  size_t bytes = 0;        // of text
  uint32_t lines = 0;      // flows that were told
  Handshake handshake{};   // of the record that is next, as far as was looked: numbers of stencils, or 0
  uint32_t byStatus[Answers::kStatuses] = {};
};

class Teller {
 public:
  // Of each of the texts below, and of what names an input.
  static constexpr size_t kMaxTextBytes = 4096;
  static constexpr size_t kMaxCertificateParts = 8;
  // The longest line: six such texts, two names (each an opening at most), what is said of a certificate and of a server,
  // and what is never long.
  static constexpr size_t kMaxLineBytes = 6 * kMaxTextBytes + 2 * Stencils::kMaxBytes +
                                          CertificateTexts::kMaxLiteralBytes + Answers::kMaxVerdictBytes + 4096;

  Teller(const uint8_t (&reserved)[Stencils::kReservedBytes], const uint64_t (&secret)[4])
      : openings_(reserved), certificates_(reserved), answers_(secret), digests_(Digests::create()) {}

  bool isUsable() const { return digests_ != nullptr; }

  Stencils& openings() { return openings_; }
  CertificateTexts& certificates() { return certificates_; }
  Answers& answers() { return answers_; }

  // What is to be said of a client's opening that fits. `name`: where the host's name stands; null: nowhere. `tls`:
  // members of that object, each with a comma before it; `own`: members of ours, each with a comma behind it.
  void describeClient(uint32_t number, Span random, Span sessionId, const Span* name, Datum tls, Datum own);
  // Of a server's. `certificate`: the parts that make up the server's own; `resumed`: a member with a comma before it,
  // told where the server has changed its cipher, or `isSure`.
  void describeServer(uint32_t number, const Span* certificate, size_t parts, Datum tls, Datum own, Datum resumed,
                      bool isSure);
  // A hello is our own, and not told, whose session id is HMAC-SHA256 of its random under this key
  // (src/probe/own-hello.ts). Empty: none is.
  void knowOwnHellos(Datum key) { ownKey_.assign(key.data(), key.data() + key.size()); }
  // What names an input: a member with a comma behind it.
  void nameInput(uint32_t input, Datum member);
  void forgetInputs() { inputs_.clear(); }
  bool knowsInput(uint32_t input) const { return input < inputs_.size() && !inputs_[input].empty(); }

  // For each record of a batch two numbers: those of the stencils that the client's and the server's opening fit. 0 where
  // none does, and for records that are no flows. The answer is how many records there were.
  size_t recognise(Datum batch, uint32_t* numbers, size_t capacity);

  // Tells flows from `at` on, up to the first that it cannot tell.
  Told tell(Datum batch, size_t at, double now, uint8_t* text, size_t size);

  // Where to remember what is to be said of the server of a flow, the record at `at`, of which the client's opening fits;
  // null where it cannot be.
  Answer* answerFor(Datum batch, size_t at, bool isForAnyName);

 private:
  struct ClientText {
    uint32_t number = 0;
    bool hasName = false;
    Span random{}, sessionId{}, name{};
    std::string tls, own;
  };
  struct ServerText {
    uint32_t number = 0;
    bool isSure = false;
    std::vector<Span> certificate;
    std::string tls, own, resumed;
  };
  // A record that is a flow, its two openings, and what is said of them.
  struct Flow {
    FlowRecordHeader header;
    Datum client, server;
    Handshake handshake{};
    const ClientText* clientText = nullptr;
    const ServerText* serverText = nullptr;
    Datum name;  // where there is one

    const Datum* nameOrNull() const { return clientText->hasName ? &name : nullptr; }
  };

  static bool read(Datum record, Flow& flow);
  bool understand(Flow& flow);
  bool isOwn(const Flow& flow);
  Stop write(const Flow& flow, double now, TextWriter& out, uint32_t& status);
  CertificateTexts::Told writeCertificate(const Flow& flow, TextWriter& out);

  Stencils openings_;
  CertificateTexts certificates_;
  Answers answers_;
  std::unique_ptr<Digests> digests_;  // null without libcrypto
  FlowHead head_;
  std::vector<uint8_t> ownKey_;  // empty: no hello is our own
  std::vector<ClientText> clients_;  // by slot of the stencil
  std::vector<ServerText> servers_;
  std::vector<std::string> inputs_;
  std::vector<uint8_t> joined_;  // a certificate that comes in parts
};

}  // namespace hellotap

#endif  // HELLOTAP_TELL_TELLER_H_
