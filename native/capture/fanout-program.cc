#include "capture/fanout-program.h"

#ifdef __linux__

#include <linux/filter.h>

namespace hellotap {

namespace {

constexpr int kMaxTags = 2;

// Loads are relative to the network header: where a packet's data begins depends on its direction.
BpfInstruction loadHalf(uint32_t offset) {
  return {BPF_LD | BPF_H | BPF_ABS, 0, 0, static_cast<uint32_t>(SKF_NET_OFF) + offset};
}
BpfInstruction loadWord(uint32_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(SKF_NET_OFF) + offset};
}

void append(BpfCode& code, const BpfCode& more) { code.insert(code.end(), more.begin(), more.end()); }

// Runs `block`, which ends the program, where the accumulator has that value.
void when(BpfCode& code, uint32_t value, const BpfCode& block) {
  code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<uint8_t>(block.size()), value});
  append(code, block);
}

// Answers with a digest of so many words, which is the same in whatever order they are.
BpfCode digest(uint32_t offset, int words) {
  BpfCode code{loadWord(offset)};
  for (int i = 1; i < words; ++i) {
    code.push_back({BPF_MISC | BPF_TAX, 0, 0, 0});
    code.push_back(loadWord(offset + 4 * static_cast<uint32_t>(i)));
    code.push_back({BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0});
  }
  code.push_back({BPF_ALU | BPF_MUL | BPF_K, 0, 0, 0x9e3779b1});  // 2^32 divided by the golden ratio: mixes
  code.push_back({BPF_ALU | BPF_RSH | BPF_K, 0, 0, 16});
  code.push_back({BPF_RET | BPF_A, 0, 0, 0});
  return code;
}

BpfCode ipv4(uint32_t offset) { return digest(offset + 12, 2); }
BpfCode ipv6(uint32_t offset) { return digest(offset + 8, 8); }

// The accumulator holds the EtherType of what begins at `offset`.
BpfCode network(uint32_t offset, int tags) {
  BpfCode code;
  when(code, 0x0800, ipv4(offset));
  when(code, 0x86dd, ipv6(offset));
  BpfCode session{loadHalf(offset + 6)};  // PPPoE: six bytes, and the PPP protocol
  when(session, 0x0021, ipv4(offset + 8));
  when(session, 0x0057, ipv6(offset + 8));
  session.push_back({BPF_RET | BPF_K, 0, 0, 0});
  when(code, 0x8864, session);
  if (tags < kMaxTags) {
    BpfCode tag{loadHalf(offset + 2)};
    append(tag, network(offset + 4, tags + 1));
    code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0x8100});
    when(code, 0x88a8, tag);
  }
  code.push_back({BPF_RET | BPF_K, 0, 0, 0});
  return code;
}

}  // namespace

BpfCode fanoutProgram() {
  BpfCode code{{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL)}};
  append(code, network(0, 0));
  return code;
}

}  // namespace hellotap

#endif  // __linux__
