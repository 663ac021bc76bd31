import { fileURLToPath } from 'node:url';
import { SERVER_NAME } from '#bench/harness/identity.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import type { FileClient, FileClientOptions, FileServer, FileServerOptions } from './implementation.ts';

export const OURS = 'ours';
const MAIN = fileURLToPath(new URL('../ours/main.ts', import.meta.url));

/** One of the programs of `interop/ours`. */
export const ourProgram = (program: string, args: readonly string[]): ProgramSpec => ({
  name: `our ${program}`,
  command: process.execPath,
  args: [MAIN, program, ...args],
});

export const fileServer = (options: FileServerOptions = {}): FileServer => ({
  of: OURS,
  command: async ({ folders, port }) =>
    ourProgram('file-server', [
      ...['--listen', `127.0.0.1:${port}`, '--root', folders.www],
      ...['--cert', folders.certificate, '--key', folders.key, '--alpn', options.alpn ?? 'h3'],
      ...(options.retry ? ['--retry'] : []),
      ...(options.early ? ['--early'] : []),
      ...(options.version === undefined ? [] : ['--version', String(options.version)]),
    ]),
});

export const fileClient = (options: FileClientOptions = {}): FileClient => ({
  of: OURS,
  command: async ({ folders, port }) =>
    ourProgram('file-client', [
      ...['--server', `127.0.0.1:${port}`, '--name', SERVER_NAME, '--ca', folders.authority],
      ...['--download', folders.download, '--alpn', options.alpn ?? 'h3'],
      ...['--connections', String(options.connections ?? 1)],
      ...(options.resume ? ['--resume'] : []),
      // A server that prefers X25519MLKEM768 would answer with HelloRetryRequest, which no early data survives.
      ...(options.early ? ['--early', '--groups', 'X25519:P-256'] : []),
      ...(options.chacha20 ? ['--suites', 'TLS_CHACHA20_POLY1305_SHA256'] : []),
      ...(options.version === undefined ? [] : ['--version', String(options.version)]),
      ...folders.paths,
    ]),
});
