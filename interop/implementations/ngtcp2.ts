import path from 'node:path';
import { SERVER_NAME } from '#bench/harness/identity.ts';
import { debianPeers } from '#scripts/setup/debian-peers.mjs';
import { shares } from '../shares.ts';
import {
  type FileClient,
  type FileClientOptions,
  type FileServer,
  type FileServerOptions,
  type Implementation,
  socketOf,
} from './implementation.ts';

/** Debian's ngtcp2 is 0.12 with GnuTLS; its programs speak HTTP/3 only and check no certificate. */
export const NGTCP2 = 'ngtcp2';

const ONLY_CHACHA20 = '--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305';

/** Where much is lost, a handshake takes longer than the 10 s that its programs give it, and they say nothing of that. */
const PATIENCE = '--handshake-timeout=60s';

export const fileServer = (options: FileServerOptions = {}): FileServer => ({
  of: NGTCP2,
  command: async ({ folders, host, port }) => {
    const { programs, libraries } = await debianPeers();
    return {
      name: 'ngtcp2 gtlsserver',
      command: programs.gtlsserver,
      args: [
        ...['--quiet', PATIENCE, `--htdocs=${folders.www}`],
        ...(options.retry ? ['--validate-addr'] : []),
        ...(options.chacha20 ? [ONLY_CHACHA20] : []),
        ...[host, String(port), folders.key, folders.certificate],
      ],
      env: { LD_LIBRARY_PATH: libraries },
      listens: { protocol: 'udp', port },
    };
  },
});

const hex = (version: number): string => `0x${version.toString(16)}`;

const flagsOf = (options: FileClientOptions): string[] => [
  ...(options.chacha20 ? [ONLY_CHACHA20] : []),
  ...(options.version === undefined ? [] : [`--version=${hex(options.version)}`, '--preferred-versions=v1']),
  ...(options.keyUpdate ? ['--key-update=100ms'] : []),
  ...(options.migrate ? ['--change-local-addr=500ms'] : []),
  ...(options.early ? [] : ['--disable-early-data']),
];

/** A run of its client is one connection; what the next one resumes is in files. */
export const fileClient = (options: FileClientOptions = {}): FileClient => ({
  of: NGTCP2,
  commands: async ({ folders, ...at }) => {
    const { programs, libraries } = await debianPeers();
    const kept = (name: string): string => path.join(path.dirname(folders.download), name);
    const session = [`--session-file=${kept('session')}`, `--tp-file=${kept('parameters')}`];
    return shares(folders.paths, options.connections ?? 1).map((paths) => ({
      name: 'ngtcp2 gtlsclient',
      command: programs.gtlsclient,
      args: [
        ...[
          '--quiet',
          PATIENCE,
          '--exit-on-all-streams-close',
          `--download=${folders.download}`,
          `--sni=${SERVER_NAME}`,
        ],
        ...(options.resume ? session : []),
        ...flagsOf(options),
        ...[at.host, String(at.port)],
        ...paths.map((requested) => `https://${socketOf(at)}${requested}`),
      ],
      env: { LD_LIBRARY_PATH: libraries },
    }));
  },
});

export const ngtcp2: Implementation = { name: NGTCP2, onlyHttp3: true, fileServer, fileClient };
