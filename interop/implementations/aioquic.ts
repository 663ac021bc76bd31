import { SERVER_NAME } from '#bench/harness/identity.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { pythonPeers } from '#scripts/setup/python-peers.mjs';
import {
  type FileClient,
  type FileClientOptions,
  type FileServer,
  type FileServerOptions,
  type Implementation,
  socketOf,
} from './implementation.ts';

export const AIOQUIC = 'aioquic';

/** One of the programs of `interop/peers/aioquic`. @throws PeerMissing */
const aioquicProgram = async (program: string, args: readonly string[]): Promise<ProgramSpec> => {
  const { python, script, libraries } = await pythonPeers();
  return {
    name: `aioquic ${program}`,
    command: python,
    args: [script, program, ...args],
    env: { PYTHONPATH: libraries },
  };
};

export const fileServer = (options: FileServerOptions = {}): FileServer => ({
  of: AIOQUIC,
  command: ({ folders, ...at }) =>
    aioquicProgram('file-server', [
      ...['--listen', socketOf(at), '--root', folders.www, '--cert', folders.certificate, '--key', folders.key],
      ...['--alpn', options.alpn ?? 'h3'],
      ...(options.retry ? ['--retry'] : []),
      ...(options.chacha20 ? ['--chacha20'] : []),
      ...(options.version === undefined ? [] : ['--version', String(options.version)]),
    ]),
});

/** It resumes whenever it can. */
export const fileClient = (options: FileClientOptions = {}): FileClient => ({
  of: AIOQUIC,
  commands: async ({ folders, ...at }) => [
    await aioquicProgram('file-client', [
      ...['--server', socketOf(at), '--name', SERVER_NAME, '--ca', folders.authority],
      ...['--download', folders.download, '--alpn', options.alpn ?? 'h3'],
      ...['--connections', String(options.connections ?? 1)],
      ...(options.early ? ['--early'] : []),
      ...(options.chacha20 ? ['--chacha20'] : []),
      ...(options.migrate ? ['--migrate'] : []),
      ...(options.keyUpdate ? ['--key-update'] : []),
      ...(options.version === undefined ? [] : ['--version', String(options.version)]),
      ...folders.paths,
    ]),
  ],
});

export const aioquic: Implementation = { name: AIOQUIC, onlyHttp3: false, fileServer, fileClient };
