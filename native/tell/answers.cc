#include "tell/answers.h"

#include <cstring>
#include <new>

namespace hellotap {

namespace {

constexpr uint8_t kNamed = 0, kNameless = 1, kAnyName = 2;

uint64_t fold(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

bool Answer::isFor(Handshake handshake) const {
  const uint32_t count = handshakeCount < kMaxHandshakes ? handshakeCount : kMaxHandshakes;
  for (uint32_t i = 0; i < count; ++i)
    if (handshakes[i].client == handshake.client && handshakes[i].server == handshake.server) return true;
  return count == 0;
}

void Answer::add(Handshake handshake) {
  if (handshakeCount > 0 && isFor(handshake)) return;
  handshakes[handshakeCount % kMaxHandshakes] = handshake;
  // The count itself says whose turn it is; it never comes back to "none".
  if (++handshakeCount == 2 * kMaxHandshakes) handshakeCount = kMaxHandshakes;
}

Answers::Answers(const uint64_t (&secret)[4])
    : secret_{secret[0] | 1, secret[1] | 1, secret[2] | 1, secret[3] | 1} {}

bool Answers::Key::operator==(const Key& other) const {
  return port == other.port && version == other.version && nameKind == other.nameKind && nameBytes == other.nameBytes &&
         std::memcmp(address, other.address, sizeof address) == 0 && std::memcmp(name, other.name, nameBytes) == 0;
}

bool Answers::makeKey(const FlowRecordHeader& flow, const Datum* name, bool isForAny, Key& key) {
  const bool isNamed = name && !isForAny;
  if (isNamed && name->size() > kMaxNameBytes) return false;
  std::memcpy(key.address, flow.serverAddress, sizeof key.address);
  key.port = flow.serverPort;
  key.version = flow.ipVersion;
  key.nameKind = isForAny ? kAnyName : name ? kNamed : kNameless;
  key.nameBytes = isNamed ? static_cast<uint32_t>(name->size()) : 0;
  for (uint32_t i = 0; i < key.nameBytes; ++i) {
    const uint8_t byte = name->data()[i];
    key.name[i] = byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A')) : byte;
  }
  return true;
}

uint64_t Answers::hash(const Key& key) const {
  uint64_t words[2], rest = uint64_t{key.port} << 16 | uint64_t{key.version} << 8 | key.nameKind;
  std::memcpy(words, key.address, sizeof words);
  uint64_t hash = fold(words[0] ^ secret_[0], words[1] ^ secret_[1]) ^ fold(rest ^ secret_[2], secret_[3]);
  for (uint32_t at = 0; at < key.nameBytes; at += 8) {
    uint64_t word = 0;
    const uint32_t left = key.nameBytes - at;
    std::memcpy(&word, key.name + at, left < 8 ? left : 8);
    hash = fold(hash ^ word ^ secret_[at / 8 % 4], secret_[(at / 8 + 1) % 4] + left);
  }
  return fold(hash ^ secret_[1], secret_[2]);
}

Answers::Entry* Answers::find(const Key& key, uint64_t hash) {
  Set* set = sets_[hash % kSets].get();
  if (!set) return nullptr;
  for (Entry& entry : set->entries)
    if (entry.hash == hash && entry.answer.until > 0 && entry.key == key) return &entry;
  return nullptr;
}

Answer* Answers::find(const FlowRecordHeader& flow, const Datum* name, double now) {
  for (const bool isForAny : {true, false}) {
    Key key;
    if (!makeKey(flow, name, isForAny, key)) continue;
    Entry* entry = find(key, hash(key));
    if (entry && now < entry->answer.until) return &entry->answer;
  }
  return nullptr;
}

Answer* Answers::make(const FlowRecordHeader& flow, const Datum* name, bool isForAny) {
  Key key;
  if (!makeKey(flow, name, isForAny, key)) return nullptr;
  const uint64_t hash = this->hash(key);
  if (Entry* entry = find(key, hash)) return &entry->answer;
  std::unique_ptr<Set>& set = sets_[hash % kSets];
  if (!set) set.reset(new (std::nothrow) Set());
  if (!set) return nullptr;
  Entry& entry = set->entries[set->next];
  set->next = static_cast<uint8_t>((set->next + 1) % kWays);
  entry.hash = hash;
  entry.key = key;
  entry.answer = Answer();
  return &entry.answer;
}

void Answers::forgetAll() {
  for (std::unique_ptr<Set>& set : sets_)
    if (set)
      for (Entry& entry : set->entries) entry.answer.until = 0;
}

}  // namespace hellotap
