import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { compareDownloads } from './files.ts';
import type { FileClient, FileServer } from './implementations/implementation.ts';
import * as ngtcp2 from './implementations/ngtcp2.ts';
import * as ours from './implementations/ours.ts';
import * as quicGo from './implementations/quic-go.ts';
import { transferFiles } from './testing/transfer.ts';
import { proveAll } from './with-peers.ts';

const LIMIT_MS = 60_000;
const SIZES = [1024, 100_000];

const transferBothWays = async (
  t: TestContext,
  pairs: readonly { readonly server: FileServer; readonly client: FileClient }[],
): Promise<void> => {
  try {
    for (const pair of pairs) await transferFiles(SIZES, { ...pair, limitMs: LIMIT_MS });
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    t.skip(error.message);
  }
};

test('quic-go: a file from its server, a file to its client', (t) =>
  transferBothWays(t, [
    { server: quicGo.fileServer(), client: ours.fileClient() },
    { server: ours.fileServer(), client: quicGo.fileClient() },
  ]));

test('ngtcp2: a file from its server, a file to its client', (t) =>
  transferBothWays(t, [
    { server: ngtcp2.fileServer(), client: ours.fileClient() },
    { server: ours.fileServer(), client: ngtcp2.fileClient() },
  ]));

test('we with ourselves, with evidence of Retry; a transfer without one does not pass for one', async () => {
  const retried = (seen: { retried: number }) => (seen.retried === 1 ? undefined : 'There was no Retry.');
  const client = ours.fileClient({ alpn: 'hq-interop' });
  const server = (retry: boolean) => ours.fileServer({ alpn: 'hq-interop', retry });
  await transferFiles(SIZES, { server: server(true), client, limitMs: LIMIT_MS, check: retried });
  const without = transferFiles(SIZES, { server: server(false), client, limitMs: LIMIT_MS, check: retried });
  await assert.rejects(without, /no Retry/);
});

test('a download that is missing or differs is named', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [www, download] = ['www', 'download'].map((name) => path.join(folder, name)) as [string, string];
  for (const made of [www, download]) mkdirSync(made);
  for (const name of ['a', 'b']) writeFileSync(path.join(www, name), name);
  const folders = { www, download, paths: ['/a', '/b'] };
  writeFileSync(path.join(download, 'a'), 'a');
  assert.throws(() => compareDownloads(folders), /\/b was not downloaded/);
  // What was compared is taken away: an old download is none.
  assert.throws(() => compareDownloads(folders), /\/a was not downloaded/);
  writeFileSync(path.join(download, 'a'), 'x');
  assert.throws(() => compareDownloads(folders), /\/a arrived with SHA-256/);
});

const context = () => {
  const said: string[] = [];
  const skipped: string[] = [];
  return {
    said,
    skipped,
    peers: true,
    run: 0,
    remark: (text: string) => void said.push(text),
    skipPeer: (peer: string, reason: string) => void skipped.push(`${peer}: ${reason}`),
  };
};

test('every proof has its line; one that fails says why, a missing peer is skipped alone', async () => {
  const seen = context();
  const absent = () => Promise.reject(new PeerMissing('Go is missing.'));
  const lines = await proveAll(
    [
      { peer: 'a', ourRole: 'client', run: async () => {} },
      { peer: 'a', ourRole: 'server', run: () => Promise.reject(new Error('it broke')) },
      { peer: 'b', ourRole: 'client', run: absent },
      { peer: 'b', ourRole: 'server', run: absent },
    ],
    seen,
  );
  assert.deepEqual(
    lines.map(({ metric, peer, value }) => [metric, peer, value]),
    [
      ['completed_as_client', 'a', 1],
      ['completed_as_server', 'a', 0],
    ],
  );
  assert.deepEqual(seen.said, ['a, we are the server: it broke']);
  assert.deepEqual(seen.skipped, ['b: Go is missing.']);
});

test('with no peer at all the case is skipped', async () => {
  const proof = { peer: 'a', ourRole: 'client', run: () => Promise.reject(new PeerMissing('Go is missing.')) } as const;
  await assert.rejects(proveAll([proof], context()), { name: 'Skip', message: 'Go is missing.' });
});
