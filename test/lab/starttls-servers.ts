// Servers that go over to TLS within a protocol, configured as little as they run with. None asks a name server anything.
// Each speaks TLS at once on another port, with the same settings; for the two that cannot, `openssl s_server` does.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StartTlsProtocol } from '../../src/probe/starttls/dialogue.js';
import type { CommandLine, OwnServerSetup, Place } from './own-server.js';

export interface StartTlsService {
  readonly protocol: StartTlsProtocol;
  readonly port: number;
  /** Where TLS begins at once. */
  readonly directPort: number;
}

export interface StartTlsServer extends OwnServerSetup {
  readonly services: readonly StartTlsService[];
  /** TLS versions that it is configured to speak, of 1.2 and 1.3. */
  readonly versions: readonly string[];
  /** False: it acknowledges server_name where TLS begins at once, and not behind STARTTLS. */
  readonly acknowledgesAlike?: false;
}

/** The name of the lab's certificates. */
export const SERVER_NAME = 'lab.test';

const BOTH = ['1.2', '1.3'];

const postfix: StartTlsServer = {
  name: 'Postfix',
  packages: ['postfix'],
  needs: ['/usr/lib/postfix/sbin/master'],
  as: 'root',
  services: [{ protocol: 'smtp', port: 10025, directPort: 10465 }],
  ports: [10025, 10465],
  versions: BOTH,
  prepare({ folder, address, key, chain, write, makeFolder }) {
    const queue = makeFolder('queue');
    for (const name of ['private', 'public', 'pid']) makeFolder(`queue/${name}`, 'postfix');
    write(
      'main.cf',
      `compatibility_level = 3.6
       queue_directory = ${queue}
       data_directory = ${makeFolder('data', 'postfix')}
       daemon_directory = /usr/lib/postfix/sbin
       myhostname = ${SERVER_NAME}
       inet_interfaces = loopback-only
       inet_protocols = ipv4
       smtpd_peername_lookup = no
       alias_maps =
       local_recipient_maps =
       smtpd_tls_security_level = may
       smtpd_tls_protocols = >=TLSv1.2
       smtpd_tls_mandatory_protocols = >=TLSv1.2
       smtpd_tls_chain_files = ${key}, ${chain}
       maillog_file = /dev/stdout`,
    );
    write(
      'master.cf',
      `${address}:10025 inet n - n - - smtpd
       ${address}:10465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
       anvil unix - - n - 1 anvil
       tlsmgr unix - - n 1000? 1 tlsmgr
       postlog unix-dgram n - n - 1 postlogd`,
    );
    return [['/usr/lib/postfix/sbin/master', '-d', '-c', folder]];
  },
};

const dovecot: StartTlsServer = {
  name: 'Dovecot',
  packages: ['dovecot-imapd', 'dovecot-pop3d'],
  needs: ['dovecot', '/usr/lib/dovecot/imap', '/usr/lib/dovecot/pop3'],
  as: 'root',
  services: [
    { protocol: 'imap', port: 10143, directPort: 10993 },
    { protocol: 'pop3', port: 10110, directPort: 10995 },
  ],
  ports: [10143, 10993, 10110, 10995],
  versions: BOTH,
  prepare({ address, key, chain, write, makeFolder }) {
    const listeners = (protocol: string, port: number, directPort: number): string =>
      `service ${protocol}-login {
         inet_listener ${protocol} {
           port = ${port}
         }
         inet_listener ${protocol}s {
           port = ${directPort}
           ssl = yes
         }
       }`;
    const config = write(
      'dovecot.conf',
      `base_dir = ${makeFolder('run')}
       state_dir = ${makeFolder('state')}
       log_path = /dev/stderr
       listen = ${address}
       protocols = imap pop3
       ssl = yes
       ssl_cert = <${chain}
       ssl_key = <${key}
       ssl_dh = </usr/share/dovecot/dh.pem
       passdb {
         driver = static
         args = nologin
       }
       ${listeners('imap', 10143, 10993)}
       ${listeners('pop3', 10110, 10995)}`,
    );
    return [['dovecot', '-F', '-c', config]];
  },
};

const vsftpd: StartTlsServer = {
  name: 'vsftpd',
  packages: ['vsftpd'],
  needs: ['vsftpd'],
  as: 'root',
  services: [{ protocol: 'ftp', port: 10021, directPort: 10990 }],
  ports: [10021, 10990],
  versions: BOTH,
  prepare({ folder, address, key, chain, write, makeFolder }) {
    const empty = makeFolder('empty');
    const command = (port: number, isImplicit: 'YES' | 'NO'): CommandLine => [
      'vsftpd',
      write(
        `vsftpd-${port}.conf`,
        `listen=YES
         background=NO
         listen_address=${address}
         listen_port=${port}
         nopriv_user=nobody
         secure_chroot_dir=${empty}
         local_enable=YES
         ssl_enable=YES
         implicit_ssl=${isImplicit}
         rsa_cert_file=${chain}
         rsa_private_key_file=${key}
         ssl_ciphers=HIGH
         debug_ssl=YES
         xferlog_enable=YES
         vsftpd_log_file=${folder}/vsftpd-${port}.log`,
      ),
    ];
    return [command(10021, 'NO'), command(10990, 'YES')];
  },
};

/** Debian's is linked with GnuTLS. */
const slapd: StartTlsServer = {
  name: 'slapd',
  packages: ['slapd'],
  needs: ['slapd'],
  as: 'nobody',
  services: [{ protocol: 'ldap', port: 10389, directPort: 10636 }],
  ports: [10389, 10636],
  versions: BOTH,
  prepare({ folder, address, key, chain, write }) {
    const config = write(
      'slapd.conf',
      `pidfile ${folder}/slapd.pid
       TLSCertificateFile ${chain}
       TLSCertificateKeyFile ${key}
       TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2
       database config`,
    );
    return [['slapd', '-d', '256', '-f', config, '-h', `ldap://${address}:10389 ldaps://${address}:10636`]];
  },
};

const prosody: StartTlsServer = {
  name: 'Prosody',
  packages: ['prosody'],
  needs: ['prosody'],
  as: 'nobody',
  services: [{ protocol: 'xmpp', port: 10522, directPort: 10523 }],
  ports: [10522, 10523],
  versions: BOTH,
  acknowledgesAlike: false,
  prepare({ folder, address, key, chain, write, makeFolder }) {
    const config = write(
      'prosody.cfg.lua',
      `pidfile = "${folder}/prosody.pid"
       data_path = "${makeFolder('data')}"
       log = { info = "*console" }
       modules_enabled = { "tls" }
       modules_disabled = { "s2s" }
       interfaces = { "${address}" }
       c2s_ports = { 10522 }
       c2s_direct_tls_ports = { 10523 }
       ssl = { key = "${key}", certificate = "${chain}" }
       VirtualHost "${SERVER_NAME}"
       VirtualHost "${address}"`,
    );
    return [['prosody', '--config', config, '-F']];
  },
};

const POSTGRESQL = '/usr/lib/postgresql';

/** Debian keeps each version's programs in a folder of its own. */
function postgresqlProgram(name: string): string {
  const versions = existsSync(POSTGRESQL) ? readdirSync(POSTGRESQL) : [];
  const paths = versions.map((version) => join(POSTGRESQL, version, 'bin', name));
  return paths.find((path) => existsSync(path)) ?? join(POSTGRESQL, name);
}

const postgresql: StartTlsServer = {
  name: 'PostgreSQL',
  packages: ['postgresql'],
  needs: ['initdb', 'postgres'].map(postgresqlProgram),
  as: 'nobody',
  services: [{ protocol: 'postgres', port: 10432, directPort: 10433 }],
  ports: [10432, 10433],
  versions: ['1.2'],
  prepare(place) {
    const { folder, address, key, chain, write } = place;
    const settings = write(
      'postgresql.conf',
      `listen_addresses = '${address}'
       port = 10432
       unix_socket_directories = ''
       fsync = off
       ssl = on
       ssl_max_protocol_version = 'TLSv1.2'
       ssl_ciphers = 'HIGH:!aNULL'
       ssl_cert_file = '${chain}'
       ssl_key_file = '${folder}/own.key'`,
    );
    // It refuses a key that others may read.
    const start = `install -m 600 "$1" own.key
      ${postgresqlProgram('initdb')} -D data -A trust --no-sync
      exec ${postgresqlProgram('postgres')} -D data -c config_file="$2"`;
    return [
      ['sh', '-ec', start, 'sh', key, settings],
      // As PostgreSQL's secure_initialize sets its context up.
      opensslServer(place, 10433, '-tls1_2 -no_ticket -serverpref -groups prime256v1 -cipher HIGH:!aNULL'),
    ];
  },
};

const mariadb: StartTlsServer = {
  name: 'MariaDB',
  packages: ['mariadb-server'],
  needs: ['mariadbd'],
  as: 'nobody',
  services: [{ protocol: 'mysql', port: 10306, directPort: 10307 }],
  ports: [10306, 10307],
  versions: BOTH,
  prepare(place) {
    const { folder, address, key, certificate, write, makeFolder } = place;
    const config = write(
      'my.cnf',
      `[mariadbd]
       datadir = ${makeFolder('data')}
       socket = ${folder}/socket
       pid-file = ${folder}/pid
       bind-address = ${address}
       port = 10306
       skip-name-resolve
       skip-grant-tables
       skip-innodb
       default-storage-engine = Aria
       tls-version = TLSv1.2,TLSv1.3
       ssl-cert = ${certificate}
       ssl-key = ${key}`,
    );
    return [
      ['mariadbd', `--defaults-file=${config}`],
      // MariaDB asks for a certificate and goes on without one.
      opensslServer(place, 10307, '-no_tls1 -no_tls1_1 -verify 1'),
    ];
  },
};

function opensslServer({ address, key, certificate }: Place, port: number, options: string): CommandLine {
  const own = ['-accept', `${address}:${port}`, '-cert', certificate, '-key', key];
  return ['openssl', 's_server', '-quiet', ...own, ...options.split(' ')];
}

export const STARTTLS_SERVERS: readonly StartTlsServer[] = [
  postfix,
  dovecot,
  vsftpd,
  slapd,
  prosody,
  postgresql,
  mariadb,
];
