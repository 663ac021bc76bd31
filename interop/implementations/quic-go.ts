import { SERVER_NAME } from '#bench/harness/identity.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { goPeers } from '#scripts/setup/go-peers.mjs';
import {
  type FileClient,
  type FileClientOptions,
  type FileServer,
  type FileServerOptions,
  type Implementation,
  socketOf,
} from './implementation.ts';

export const QUIC_GO = 'quic-go';

/** One of the programs of `interop/peers/quic-go`. @throws PeerMissing */
export const quicGoProgram = async (program: string, args: readonly string[]): Promise<ProgramSpec> => ({
  name: `quic-go ${program}`,
  command: await goPeers(),
  args: [program, ...args],
  // Its advice about buffer sizes goes to stderr, where causes of failures are looked for.
  env: { QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING: 'true' },
});

export const fileServer = (options: FileServerOptions = {}): FileServer => ({
  of: QUIC_GO,
  command: ({ folders, ...at }) =>
    quicGoProgram('file-server', [
      ...['-listen', socketOf(at), '-root', folders.www, '-cert', folders.certificate, '-key', folders.key],
      ...['-alpn', options.alpn ?? 'h3'],
      ...(options.retry ? ['-retry'] : []),
      ...(options.early ? ['-early'] : []),
      ...(options.chacha20 ? ['-chacha20'] : []),
    ]),
});

/** It resumes whenever it can, and updates keys after a hundred packets by itself. */
export const fileClient = (options: FileClientOptions = {}): FileClient => ({
  of: QUIC_GO,
  commands: async ({ folders, ...at }) => [
    await quicGoProgram('file-client', [
      ...['-server', socketOf(at), '-name', SERVER_NAME, '-ca', folders.authority],
      ...['-download', folders.download, '-alpn', options.alpn ?? 'h3'],
      ...['-connections', String(options.connections ?? 1)],
      ...(options.early ? ['-early'] : []),
      ...(options.chacha20 ? ['-chacha20'] : []),
      ...(options.migrate ? ['-migrate'] : []),
      ...(options.version === undefined ? [] : ['-version', String(options.version)]),
      ...folders.paths,
    ]),
  ],
});

export const quicGo: Implementation = { name: QUIC_GO, onlyHttp3: false, fileServer, fileClient };
