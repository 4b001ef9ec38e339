// The wire's enumerations. They are open: a code point without a member here is still a value of its type, and the names
// of all registered ones are in registry/.

/** A number of one registry. Any number may become one (it came from the wire); one registry's never another's. */
export type CodePoint<Registry extends string> = number & { readonly registry?: Registry };

/** TLSPlaintext.type. RFC 8446 section 5.1; heartbeat: RFC 6520 section 3. */
export type ContentType = CodePoint<'ContentType'>;
export const ContentType = {
  ChangeCipherSpec: 20,
  Alert: 21,
  Handshake: 22,
  ApplicationData: 23,
  Heartbeat: 24,
} as const satisfies Record<string, ContentType>;

/** Handshake.msg_type. RFC 8446 sections 4 and B.3; RFC 5246 section 7.4 for those of TLS 1.2 and lower. */
export type HandshakeType = CodePoint<'HandshakeType'>;
export const HandshakeType = {
  HelloRequest: 0,
  ClientHello: 1,
  ServerHello: 2,
  HelloVerifyRequest: 3,
  NewSessionTicket: 4,
  EndOfEarlyData: 5,
  /** Only in drafts of TLS 1.3 before draft 22; afterwards it is a ServerHello with a special random. */
  HelloRetryRequest: 6,
  EncryptedExtensions: 8,
  Certificate: 11,
  ServerKeyExchange: 12,
  CertificateRequest: 13,
  ServerHelloDone: 14,
  CertificateVerify: 15,
  ClientKeyExchange: 16,
  Finished: 20,
  /** RFC 6066 section 3 (client_certificate_url). */
  CertificateUrl: 21,
  /** RFC 6066 section 8. */
  CertificateStatus: 22,
  /** RFC 4680. */
  SupplementalData: 23,
  KeyUpdate: 24,
  /** RFC 8879 section 4. */
  CompressedCertificate: 25,
  /** Synthetic: RFC 8446 section 4.4.1. */
  MessageHash: 254,
} as const satisfies Record<string, HandshakeType>;

/** ProtocolVersion. RFC 6101 (SSL 3.0), RFC 2246, RFC 4346, RFC 5246, RFC 8446 section 4.2.1. */
export type ProtocolVersion = CodePoint<'ProtocolVersion'>;
export const ProtocolVersion = {
  Ssl20: 0x0002,
  Ssl30: 0x0300,
  Tls10: 0x0301,
  Tls11: 0x0302,
  Tls12: 0x0303,
  Tls13: 0x0304,
} as const satisfies Record<string, ProtocolVersion>;

/** ExtensionType: those that a decoder or a fingerprint of this project looks into. RFC 8446 section 4.2 and IANA. */
export type ExtensionType = CodePoint<'ExtensionType'>;
export const ExtensionType = {
  /** RFC 6066 section 3. */
  ServerName: 0,
  /** RFC 6066 section 4. */
  MaxFragmentLength: 1,
  /** RFC 6066 section 8. */
  StatusRequest: 5,
  UserMapping: 6,
  /** RFC 5878. */
  ClientAuthz: 7,
  /** RFC 5878. */
  ServerAuthz: 8,
  /** RFC 6091. */
  CertType: 9,
  /** RFC 8446 section 4.2.7; RFC 8422 section 5.1.1 (elliptic_curves of old). */
  SupportedGroups: 10,
  /** RFC 8422 section 5.1.2. */
  EcPointFormats: 11,
  /** RFC 8446 section 4.2.3. */
  SignatureAlgorithms: 13,
  /** RFC 6520 section 2. */
  Heartbeat: 15,
  /** RFC 7301 section 3.1. */
  ApplicationLayerProtocolNegotiation: 16,
  /** RFC 6962 section 3.3.1. */
  SignedCertificateTimestamp: 18,
  /** RFC 7250 section 3. */
  ClientCertificateType: 19,
  /** RFC 7250 section 3. */
  ServerCertificateType: 20,
  /** RFC 7685. */
  Padding: 21,
  /** RFC 7366. */
  EncryptThenMac: 22,
  /** RFC 7627. */
  ExtendedMasterSecret: 23,
  /** RFC 8472. */
  TokenBinding: 24,
  /** RFC 8879 section 3. */
  CompressCertificate: 27,
  /** RFC 8449 section 4. */
  RecordSizeLimit: 28,
  /** RFC 9345. */
  DelegatedCredential: 34,
  /** RFC 5077 section 3.2. */
  SessionTicket: 35,
  /** RFC 8446 section 4.2.11. */
  PreSharedKey: 41,
  /** RFC 8446 section 4.2.10. */
  EarlyData: 42,
  /** RFC 8446 section 4.2.1. */
  SupportedVersions: 43,
  /** RFC 8446 section 4.2.2. */
  Cookie: 44,
  /** RFC 8446 section 4.2.9. */
  PskKeyExchangeModes: 45,
  /** RFC 8446 section 4.2.4. */
  CertificateAuthorities: 47,
  /** RFC 8446 section 4.2.5. */
  OidFilters: 48,
  /** RFC 8446 section 4.2.6. */
  PostHandshakeAuth: 49,
  /** RFC 8446 section 4.2.3. */
  SignatureAlgorithmsCert: 50,
  /** RFC 8446 section 4.2.8. */
  KeyShare: 51,
  /** RFC 9001 section 8.2. */
  QuicTransportParameters: 57,
  /** key_share's number in drafts of TLS 1.3 before draft 23. */
  KeyShareDraft: 40,
  /** Next Protocol Negotiation, never standardised (draft-agl-tls-nextprotoneg). */
  NextProtocolNegotiation: 13172,
  /** ALPS, Chromium's (draft-vvv-tls-alps): the old number and the new one. */
  ApplicationSettingsOld: 17513,
  ApplicationSettings: 17613,
  /** RFC 9849 (ECH); 0xfe0d. */
  EncryptedClientHello: 65037,
  /** RFC 5746 section 3.2. */
  RenegotiationInfo: 65281,
} as const satisfies Record<string, ExtensionType>;

/** AlertLevel. RFC 8446 section 6. */
export type AlertLevel = CodePoint<'AlertLevel'>;
export const AlertLevel = {
  Warning: 1,
  Fatal: 2,
} as const satisfies Record<string, AlertLevel>;

/** AlertDescription: those that this project sends or tells apart. RFC 8446 section 6; RFC 5246 section 7.2. */
export type AlertDescription = CodePoint<'AlertDescription'>;
export const AlertDescription = {
  CloseNotify: 0,
  UnexpectedMessage: 10,
  BadRecordMac: 20,
  RecordOverflow: 22,
  HandshakeFailure: 40,
  BadCertificate: 42,
  UnsupportedCertificate: 43,
  IllegalParameter: 47,
  DecodeError: 50,
  DecryptError: 51,
  ProtocolVersion: 70,
  InternalError: 80,
  UserCanceled: 90,
  NoRenegotiation: 100,
  MissingExtension: 109,
  UnsupportedExtension: 110,
  UnrecognizedName: 112,
  CertificateRequired: 116,
  NoApplicationProtocol: 120,
} as const satisfies Record<string, AlertDescription>;

/** NamedGroup: those that this project computes with. RFC 8446 section 4.2.7. */
export type NamedGroup = CodePoint<'NamedGroup'>;
export const NamedGroup = {
  Secp256r1: 0x0017,
  Secp384r1: 0x0018,
  Secp521r1: 0x0019,
  X25519: 0x001d,
} as const satisfies Record<string, NamedGroup>;

/** NameType of server_name. RFC 6066 section 3. */
export type ServerNameType = CodePoint<'ServerNameType'>;
export const ServerNameType = {
  HostName: 0,
} as const satisfies Record<string, ServerNameType>;
