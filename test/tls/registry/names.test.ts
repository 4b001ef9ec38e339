import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  alertName,
  certificateCompressionName,
  cipherSuiteName,
  ecPointFormatName,
  extensionTypeName,
  pskKeyExchangeModeName,
  signatureSchemeName,
  supportedGroupName,
} from '../../../src/tls/registry/names.js';

describe('names of code points', () => {
  it('are those of the registries', () => {
    assert.equal(cipherSuiteName(0x1301), 'TLS_AES_128_GCM_SHA256');
    assert.equal(cipherSuiteName(0xc02f), 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');
    assert.equal(extensionTypeName(65281), 'renegotiation_info');
    assert.equal(extensionTypeName(0xfe0d), 'encrypted_client_hello');
    assert.equal(supportedGroupName(0x11ec), 'X25519MLKEM768');
    assert.equal(supportedGroupName(29), 'x25519');
    assert.equal(signatureSchemeName(0x0804), 'rsa_pss_rsae_sha256');
    assert.equal(alertName(40), 'handshake_failure');
    assert.equal(ecPointFormatName(0), 'uncompressed');
    assert.equal(pskKeyExchangeModeName(1), 'psk_dhe_ke');
    assert.equal(certificateCompressionName(2), 'brotli');
  });

  it('of unregistered but used code points are known as well', () => {
    assert.equal(cipherSuiteName(0xcc13), 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 (draft)');
    assert.equal(extensionTypeName(13172), 'next_protocol_negotiation');
  });

  it('fall back to the number, and mark GREASE', () => {
    assert.equal(cipherSuiteName(0xabcd), '0xabcd');
    assert.equal(extensionTypeName(0x2a2a), 'GREASE (0x2a2a)');
    assert.equal(supportedGroupName(0x0a1a), '0x0a1a');
    assert.equal(alertName(200), '0xc8');
    assert.equal(pskKeyExchangeModeName(0x2a), 'GREASE (0x2a)');
  });

  it('of signature schemes of TLS 1.2 say signature and hash', () => {
    assert.equal(signatureSchemeName(0x0301), 'rsa_sha224');
    assert.equal(signatureSchemeName(0x0402), 'dsa_sha256');
    assert.equal(signatureSchemeName(0x0909), '0x0909');
  });

  it('of alerts that are no longer sent have no _RESERVED behind them', () => {
    assert.equal(alertName(100), 'no_renegotiation');
  });
});
