import { SERVER_NAME } from '#bench/harness/identity.ts';
import { debianPeers } from '#scripts/setup/peers.mjs';
import type { FileClient, FileClientOptions, FileServer, FileServerOptions } from './implementation.ts';

/** Debian's ngtcp2 is 0.12 with GnuTLS; its programs speak HTTP/3 only and check no certificate. */
export const NGTCP2 = 'ngtcp2';

const ONLY_CHACHA20 = 'NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305';

const losing = (loss: number | undefined): string[] =>
  loss === undefined ? [] : [`--tx-loss=${loss}`, `--rx-loss=${loss}`];

export const fileServer = (options: Pick<FileServerOptions, 'retry' | 'loss'> = {}): FileServer => ({
  of: NGTCP2,
  command: async ({ folders, port }) => {
    const { programs, libraries } = await debianPeers();
    return {
      name: 'ngtcp2 gtlsserver',
      command: programs.gtlsserver,
      args: [
        ...['--quiet', `--htdocs=${folders.www}`, ...losing(options.loss)],
        ...(options.retry ? ['--validate-addr'] : []),
        ...['127.0.0.1', String(port), folders.key, folders.certificate],
      ],
      env: { LD_LIBRARY_PATH: libraries },
      listens: { protocol: 'udp', port },
    };
  },
});

type ClientOptions = Pick<FileClientOptions, 'loss' | 'chacha20' | 'version' | 'keyUpdate'>;

const hex = (version: number): string => `0x${version.toString(16)}`;

export const fileClient = (options: ClientOptions = {}): FileClient => ({
  of: NGTCP2,
  command: async ({ folders, port }) => {
    const { programs, libraries } = await debianPeers();
    return {
      name: 'ngtcp2 gtlsclient',
      command: programs.gtlsclient,
      args: [
        ...['--quiet', '--exit-on-all-streams-close', `--download=${folders.download}`, ...losing(options.loss)],
        ...(options.chacha20 ? [`--ciphers=${ONLY_CHACHA20}`] : []),
        ...(options.version === undefined ? [] : [`--version=${hex(options.version)}`, '--preferred-versions=v1']),
        ...(options.keyUpdate ? ['--key-update=1ms'] : []),
        ...[`--sni=${SERVER_NAME}`, '127.0.0.1', String(port)],
        ...folders.paths.map((requested) => `https://${SERVER_NAME}:${port}${requested}`),
      ],
      env: { LD_LIBRARY_PATH: libraries },
    };
  },
});
