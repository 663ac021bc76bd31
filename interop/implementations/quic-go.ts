import { SERVER_NAME } from '#bench/harness/identity.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { goPeers } from '#scripts/setup/peers.mjs';
import type { FileClient, FileClientOptions, FileServer, FileServerOptions } from './implementation.ts';

export const QUIC_GO = 'quic-go';

/** One of the programs of `interop/peers/quic-go`. @throws PeerMissing */
export const quicGoProgram = async (program: string, args: readonly string[]): Promise<ProgramSpec> => ({
  name: `quic-go ${program}`,
  command: await goPeers(),
  args: [program, ...args],
  // Its advice about buffer sizes goes to stderr, where causes of failures are looked for.
  env: { QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING: 'true' },
});

export const fileServer = (options: Pick<FileServerOptions, 'alpn' | 'retry' | 'early'> = {}): FileServer => ({
  of: QUIC_GO,
  command: ({ folders, port }) =>
    quicGoProgram('file-server', [
      ...['-listen', `127.0.0.1:${port}`, '-root', folders.www, '-cert', folders.certificate, '-key', folders.key],
      ...['-alpn', options.alpn ?? 'h3'],
      ...(options.retry ? ['-retry'] : []),
      ...(options.early ? ['-early'] : []),
    ]),
});

/** It resumes whenever it can. */
type ClientOptions = Pick<FileClientOptions, 'alpn' | 'version' | 'connections' | 'resume' | 'early'>;

export const fileClient = (options: ClientOptions = {}): FileClient => ({
  of: QUIC_GO,
  command: ({ folders, port }) =>
    quicGoProgram('file-client', [
      ...['-server', `127.0.0.1:${port}`, '-name', SERVER_NAME, '-ca', folders.authority],
      ...['-download', folders.download, '-alpn', options.alpn ?? 'h3'],
      ...['-connections', String(options.connections ?? 1)],
      ...(options.early ? ['-early'] : []),
      ...(options.version === undefined ? [] : ['-version', String(options.version)]),
      ...folders.paths,
    ]),
});
