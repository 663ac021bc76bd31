import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { contentDigest, contentSlices } from './content.ts';
import { createInternetService, listen, parseRange } from './internet-service.ts';
import { download, upload } from './probes/transfer.ts';

const serve = async (t: TestContext): Promise<string> => {
  const server = createInternetService();
  t.after(() => server.close());
  return `http://127.0.0.1:${await listen(server, '127.0.0.1', 0)}`;
};

const content = (from: number, to: number): Buffer => Buffer.concat([...contentSlices(from, to)]);

test('content is the same for any slicing', () => {
  const whole = content(0, 2_200_000);
  fc.assert(
    fc.property(fc.nat(2_200_000), fc.nat(2_200_000), (a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      assert.ok(content(from, to).equals(whole.subarray(from, to)));
    }),
    { numRuns: 30 },
  );
  assert.equal(contentDigest(100), createHash('sha256').update(whole.subarray(0, 100)).digest('base64'));
});

for (const [header, length, expected] of [
  [undefined, 10, undefined],
  ['bytes=0-3', 10, { from: 0, to: 4 }],
  ['bytes=4-', 10, { from: 4, to: 10 }],
  ['bytes=-3', 10, { from: 7, to: 10 }],
  ['bytes=-30', 10, { from: 0, to: 10 }],
  ['bytes=8-99', 10, { from: 8, to: 10 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=5-4', 10, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=0-1,3-4', 10, undefined],
  ['lines=0-1', 10, undefined],
] as const) {
  test(`Range ${header} of ${length} bytes`, () => assert.deepEqual(parseRange(header, length), expected));
}

test('downloads carry the digest of the whole and arrive as sent', async (t) => {
  const base = await serve(t);
  assert.equal((await download(`${base}/bytes/3000000`)).bytes, 3_000_000);
  assert.equal((await download(`${base}/bytes/0`)).bytes, 0);
  await assert.rejects(download(`${base}/small`), /other bytes/);
  await assert.rejects(download(`${base}/nothing`), /answered 404/);
});

test('a range is that part of the content, under the digest of the whole', async (t) => {
  const base = await serve(t);
  const response = await fetch(`${base}/bytes/5000000`, { headers: { range: 'bytes=1048000-1049999' } });
  assert.equal(response.status, 206);
  assert.equal(response.headers.get('content-range'), 'bytes 1048000-1049999/5000000');
  assert.equal(response.headers.get('repr-digest'), `sha-256=:${contentDigest(5_000_000)}:`);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(content(1_048_000, 1_050_000)));
  const beyond = await fetch(`${base}/bytes/10`, { headers: { range: 'bytes=10-' } });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers.get('content-range'), 'bytes */10');
});

test('HEAD has the headers and no body', async (t) => {
  const response = await fetch(`${await serve(t)}/bytes/77`, { method: 'HEAD' });
  assert.equal(response.headers.get('content-length'), '77');
  assert.equal(await response.text(), '');
});

test('an upload is counted and hashed', async (t) => {
  const { bytes } = await upload(`${await serve(t)}/upload`, [...contentSlices(0, 2_500_000)]);
  assert.equal(bytes, 2_500_000);
});

test('echo returns a body as it came, and tells a GET what it looked like', async (t) => {
  const base = await serve(t);
  const posted = await fetch(`${base}/echo`, { method: 'POST', body: content(0, 70_000) });
  assert.ok(Buffer.from(await posted.arrayBuffer()).equals(content(0, 70_000)));
  const got = (await (await fetch(`${base}/echo?x=1`)).json()) as { url: string; from: string };
  assert.deepEqual([got.url, got.from], ['/echo?x=1', '127.0.0.1']);
});
