// Which tables of names there are, where their facts come from and what is generated from them.

/** One generated module. */
export interface RegistryTable {
  /** The module's file name, without extension. */
  readonly module: string;
  /** The exported map's name. */
  readonly constant: string;
  /** What the map names, for its doc comment. */
  readonly title: string;
  /** File in `iana/`, under the name that IANA gives it. */
  readonly file: string;
  /** Columns of that file. */
  readonly valueColumn: string;
  readonly nameColumn: string;
  /** Hexadecimal digits of a code point in the generated module. */
  readonly digits: 2 | 4;
  /** Rows of `unregistered.csv` that join this table; null: none do. */
  readonly unregistered: string | null;
}

export const REGISTRY_TABLES: readonly RegistryTable[] = [
  {
    module: 'cipher-suites',
    constant: 'CIPHER_SUITES',
    title: 'TLS Cipher Suites',
    file: 'tls-parameters-4.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 4,
    unregistered: 'cipher-suite',
  },
  {
    module: 'extension-types',
    constant: 'EXTENSION_TYPES',
    title: 'TLS ExtensionType Values',
    file: 'tls-extensiontype-values-1.csv',
    valueColumn: 'Value',
    nameColumn: 'Extension Name',
    digits: 4,
    unregistered: 'extension',
  },
  {
    module: 'supported-groups',
    constant: 'SUPPORTED_GROUPS',
    title: 'TLS Supported Groups',
    file: 'tls-parameters-8.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 4,
    unregistered: 'supported-group',
  },
  {
    module: 'signature-schemes',
    constant: 'SIGNATURE_SCHEMES',
    title: 'TLS SignatureScheme',
    file: 'tls-signaturescheme.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 4,
    unregistered: 'signature-scheme',
  },
  {
    module: 'hash-algorithms',
    constant: 'HASH_ALGORITHMS',
    title: 'TLS HashAlgorithm (TLS 1.2)',
    file: 'tls-parameters-18.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 2,
    unregistered: null,
  },
  {
    module: 'signature-algorithms',
    constant: 'SIGNATURE_ALGORITHMS',
    title: 'TLS SignatureAlgorithm (TLS 1.2)',
    file: 'tls-parameters-16.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 2,
    unregistered: null,
  },
  {
    module: 'alerts',
    constant: 'ALERTS',
    title: 'TLS Alerts',
    file: 'tls-parameters-6.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 2,
    unregistered: null,
  },
  {
    module: 'ec-point-formats',
    constant: 'EC_POINT_FORMATS',
    title: 'TLS EC Point Formats',
    file: 'tls-parameters-9.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 2,
    unregistered: null,
  },
  {
    module: 'psk-key-exchange-modes',
    constant: 'PSK_KEY_EXCHANGE_MODES',
    title: 'TLS PskKeyExchangeMode',
    file: 'tls-pskkeyexchangemode.csv',
    valueColumn: 'Value',
    nameColumn: 'Description',
    digits: 2,
    unregistered: null,
  },
  {
    module: 'certificate-compression-algorithms',
    constant: 'CERTIFICATE_COMPRESSION_ALGORITHMS',
    title: 'TLS Certificate Compression Algorithm IDs',
    file: 'certificate-compression-algorithm-ids.csv',
    valueColumn: 'Algorithm Number',
    nameColumn: 'Description',
    digits: 4,
    unregistered: null,
  },
  {
    module: 'certificate-types',
    constant: 'CERTIFICATE_TYPES',
    title: 'TLS Certificate Types',
    file: 'tls-extensiontype-values-3.csv',
    valueColumn: 'Value',
    nameColumn: 'Name',
    digits: 2,
    unregistered: null,
  },
];
