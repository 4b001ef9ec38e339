#include "tell/teller.h"

#include <cstring>

namespace hellotap {

namespace {

constexpr uint8_t kServerChangedCipher = 2;  // a bit of FlowRecordHeader::changeCipherSpec
constexpr uint32_t kMaxInput = 1u << 20;

void assign(std::string& text, Datum bytes) { text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }
void put(TextWriter& out, const std::string& text) { out.put(text.data(), text.size()); }

Datum part(Datum bytes, Span span) {
  if (span.begin > span.end || span.end > bytes.size()) return Datum();
  return Datum(bytes.data() + span.begin, span.end - span.begin);
}

// Where the texts of a stencil are.
template <typename Text>
Text& placeOf(std::vector<Text>& texts, uint32_t number) {
  const uint32_t slot = Stencils::slotOf(number);
  if (texts.size() <= slot) texts.resize(slot + 1);
  texts[slot].number = number;
  return texts[slot];
}

// Null where another stencil has taken the slot, or it was never described.
template <typename Text>
const Text* textOf(const std::vector<Text>& texts, uint32_t number) {
  const uint32_t slot = Stencils::slotOf(number);
  return number != 0 && slot < texts.size() && texts[slot].number == number ? &texts[slot] : nullptr;
}

// The record that a batch begins with; empty where there is none.
Datum firstRecord(Datum batch, RecordKind& kind) {
  FlowRecordHeader header;
  constexpr size_t kHead = offsetof(FlowRecordHeader, ipVersion);
  if (batch.size() < kHead) return Datum();
  std::memcpy(&header, batch.data(), kHead);
  if (header.recordBytes < kHead || header.recordBytes > batch.size()) return Datum();
  kind = header.kind;
  return batch.first(header.recordBytes);
}

}  // namespace

void Teller::describeClient(uint32_t number, Span random, Span sessionId, const Span* name, Datum tls, Datum own) {
  if (number == 0 || tls.size() > kMaxTextBytes || own.size() > kMaxTextBytes) return;
  ClientText& text = placeOf(clients_, number);
  text.random = random;
  text.sessionId = sessionId;
  text.hasName = name != nullptr;
  text.name = name ? *name : Span{};
  assign(text.tls, tls);
  assign(text.own, own);
}

void Teller::describeServer(uint32_t number, const Span* certificate, size_t parts, Datum tls, Datum own,
                            Datum resumed, bool isSure) {
  if (number == 0 || parts > kMaxCertificateParts) return;
  if (tls.size() > kMaxTextBytes || own.size() > kMaxTextBytes || resumed.size() > kMaxTextBytes) return;
  ServerText& text = placeOf(servers_, number);
  text.isSure = isSure;
  text.certificate.assign(certificate, certificate + parts);
  assign(text.tls, tls);
  assign(text.own, own);
  assign(text.resumed, resumed);
}

void Teller::nameInput(uint32_t input, Datum member) {
  if (input > kMaxInput || member.size() > kMaxTextBytes) return;
  if (inputs_.size() <= input) inputs_.resize(input + 1);
  assign(inputs_[input], member);
}

bool Teller::read(Datum record, Flow& flow) {
  if (record.size() < sizeof flow.header) return false;
  std::memcpy(&flow.header, record.data(), sizeof flow.header);
  record.skipUpTo(flow.header.headerBytes);
  flow.client = record.first(flow.header.clientBytes);
  record.skipUpTo(flow.header.clientBytes);
  flow.server = record.first(flow.header.serverBytes);
  return true;
}

bool Teller::understand(Flow& flow) {
  flow.handshake = {openings_.find(flow.client), openings_.find(flow.server)};
  flow.clientText = textOf(clients_, flow.handshake.client);
  flow.serverText = textOf(servers_, flow.handshake.server);
  if (!flow.clientText || !flow.serverText) return false;
  if (flow.clientText->hasName) flow.name = part(flow.client, flow.clientText->name);
  return true;
}

size_t Teller::recognise(Datum batch, uint32_t* numbers, size_t capacity) {
  size_t records = 0;
  RecordKind kind;
  for (Datum record; !(record = firstRecord(batch, kind)).empty() && records < capacity; ++records) {
    Flow flow;
    const bool isFlow = kind == RecordKind::kFlow && read(record, flow);
    numbers[2 * records] = isFlow ? openings_.find(flow.client) : 0;
    numbers[2 * records + 1] = isFlow ? openings_.find(flow.server) : 0;
    batch.skipUpTo(record.size());
  }
  return records;
}

Told Teller::tell(Datum batch, size_t at, double now, uint8_t* text, size_t size) {
  Told told;
  TextWriter out(text, size);
  Datum rest = batch.behind(at);
  RecordKind kind;
  for (Datum record; !(record = firstRecord(rest, kind)).empty(); rest.skipUpTo(record.size())) {
    Flow flow;
    uint32_t status = 0;
    told.at = static_cast<size_t>(record.data() - batch.data());
    told.bytes = out.written();
    // What came in a tunnel has a longer header.
    if (kind != RecordKind::kFlow || !read(record, flow) || flow.header.headerBytes != sizeof flow.header ||
        !isUsable())
      told.stop = Stop::kOther;
    else
      told.stop = understand(flow) ? write(flow, now, out, status) : Stop::kOpening;
    if (told.stop != Stop::kEnd) {
      told.handshake = flow.handshake;
      return told;
    }
    ++told.lines;
    ++told.byStatus[status];
  }
  told.stop = Stop::kEnd;
  told.at = batch.size();
  told.bytes = out.written();
  return told;
}

bool Teller::isOwn(const Flow& flow) {
  const Datum sessionId = part(flow.client, flow.clientText->sessionId);
  if (ownKey_.empty() || sessionId.size() != kSha256Bytes) return false;
  uint8_t mark[kSha256Bytes];
  const Datum random = part(flow.client, flow.clientText->random);
  // What cannot be told apart is not told.
  if (!digests_->hmac(HashKind::kSha256, Datum(ownKey_.data(), ownKey_.size()), random, Datum(), mark)) return true;
  return std::memcmp(mark, sessionId.data(), sizeof mark) == 0;
}

// The same text as FlowEvent.write (src/output/flow-event.ts). What is not ended with kEnd is to be taken back.
Stop Teller::write(const Flow& flow, double now, TextWriter& out, uint32_t& status) {
  const ClientText& client = *flow.clientText;
  const ServerText& server = *flow.serverText;
  const Answer* answer = answers_.find(flow.header, flow.nameOrNull(), now);
  if (!answer || !answer->isFor(flow.handshake)) return Stop::kAnswer;
  if (!knowsInput(flow.header.input)) return Stop::kAnswer;
  if (isOwn(flow)) return Stop::kOther;
  status = answer->status;

  const std::string& input = inputs_[flow.header.input];
  const Datum inputBytes(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  if (!head_.write(flow.header, inputBytes, *digests_, out)) return Stop::kOther;
  out.put(",\"tls\":");
  const size_t begin = out.written();
  uint8_t* const first = out.reserve(0);
  if (client.hasName) {
    out.put(",\"sni\":\"");
    out.put(flow.name);
    out.put("\"");
  }
  put(out, client.tls);
  put(out, server.tls);
  if (!server.certificate.empty()) {
    const CertificateTexts::Told told = writeCertificate(flow, out);
    if (told == CertificateTexts::Told::kNew) return Stop::kCertificate;
    if (told == CertificateTexts::Told::kListed) return Stop::kOther;
  }
  if (server.isSure || (flow.header.changeCipherSpec & kServerChangedCipher)) put(out, server.resumed);
  // The first member's comma is where the object begins.
  if (out.written() == begin) out.put("{");
  else if (first) *first = '{';
  out.put("},\"hellotap\":{");
  put(out, server.own);
  put(out, client.own);
  out.put("\"server_hello\":true,\"verdict\":");
  put(out, answer->verdict);
  out.put("}}\n");
  return out.isFull() ? Stop::kFull : Stop::kEnd;
}

CertificateTexts::Told Teller::writeCertificate(const Flow& flow, TextWriter& out) {
  const std::vector<Span>& parts = flow.serverText->certificate;
  if (parts.size() == 1) return certificates_.write(part(flow.server, parts[0]), *digests_, out);
  joined_.clear();
  for (const Span span : parts) {
    const Datum bytes = part(flow.server, span);
    joined_.insert(joined_.end(), bytes.data(), bytes.data() + bytes.size());
  }
  return certificates_.write(Datum(joined_.data(), joined_.size()), *digests_, out);
}

Answer* Teller::answerFor(Datum batch, size_t at, bool isForAnyName) {
  RecordKind kind;
  const Datum record = firstRecord(batch.behind(at), kind);
  Flow flow;
  if (record.empty() || kind != RecordKind::kFlow || !read(record, flow) || !understand(flow)) return nullptr;
  return answers_.make(flow.header, flow.nameOrNull(), isForAnyName);
}

}  // namespace hellotap
