import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { surviveAsync } from '#scripts/corpus/survive.ts';
import { askWorker } from './client.ts';
import { type AdminAnswer, serveAdminSocket } from './socket.ts';

const corpus = readCorpus<string>(new URL('testing/corpus/lines.json', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-admin-corpus-'));
const file = path.join(folder, 'admin.sock');
let server: Server;

before(async () => {
  server = await serveAdminSocket(file, 'worker', {
    status: () => ({ state: 'ready' }),
    fail: () => {
      throw new Error('it cannot');
    },
  });
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** What is answered until the other side ends, to bytes after which ours ends. */
const send = (bytes: Uint8Array): Promise<AdminAnswer[]> =>
  new Promise((resolve) => {
    let text = '';
    const socket = connect(file, () => socket.end(bytes));
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    // A line that is too long is cut off in the middle.
    socket.on('error', () => {});
    socket.on('close', () => {
      const lines = text.split('\n').slice(0, -1);
      resolve(lines.map((line) => JSON.parse(line) as AdminAnswer));
    });
  });

test('each line of the corpus has its answer', async () => {
  for (const { name, bytes, expect } of corpus) {
    const [answer] = await send(Uint8Array.from([...bytes, 10]));
    const found = answer?.ok === false ? answer.error : 'ok';
    assert.ok(found.includes(expect), `${name}: ${found}`);
  }
});

test('lines made of the corpus are answered or cut off, and the socket goes on', async () => {
  await surviveAsync(
    corpus,
    async (bytes) => {
      for (const answer of await send(Uint8Array.from([...bytes, 10]))) assert.equal(typeof answer.ok, 'boolean');
    },
    { mutants: 500 },
  );
  assert.deepEqual(await askWorker(file, 'status'), { state: 'ready' });
});

test('what never ends a line is cut off', async () => {
  assert.deepEqual(await send(new Uint8Array(1_000_000).fill(0x20)), []);
});
