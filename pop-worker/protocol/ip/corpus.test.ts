import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { checksum, writeWord } from './checksum.ts';
import { Coalescer } from './coalescer.ts';
import { IcmpError, MAX_ICMP_ERROR_BYTES, writeIcmpError } from './icmp.ts';
import { GatherBatch, MESSAGE_WORDS, NO_PIECE, PIECE_WORDS } from './offload.ts';
import { clampMss, decrementHopLimit, rewriteAddress } from './rewrite.ts';
import { Segmenter } from './segmenter.ts';
import { isIntact } from './testing/packets.ts';
import { formatIpAddress, formatPrefix, parseIpAddress, parsePrefix } from './text.ts';
import { Fragment, IpFault, IpView } from './view.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const nameOf = (names: Readonly<Record<string, number>>, value: number) =>
  Object.keys(names).find((name) => names[name] === value);

interface Seen {
  readonly fault: string;
  readonly protocol?: number;
  readonly payloadAt?: number;
  readonly fragment?: string;
}

const AT = 5;
/** The packet between bytes that must not matter. */
const embed = (bytes: Uint8Array): Uint8Array => {
  const buffer = new Uint8Array(bytes.length + 2 * AT).fill(0xee);
  buffer.set(bytes, AT);
  return buffer;
};
const parse = (view: IpView, buffer: Uint8Array): IpFault => view.parse(buffer, AT, buffer.length - AT);

/** Length and checksum as they must be, so that changed packets get past the front door. */
const repair = (buffer: Uint8Array): void => {
  const bytes = buffer.length - 2 * AT;
  if (bytes < 20) return;
  if ((buffer[AT] as number) >>> 4 === 6) {
    writeWord(buffer, AT + 4, bytes - 40);
    return;
  }
  writeWord(buffer, AT + 2, bytes);
  writeWord(buffer, AT + 10, 0);
  const headerBytes = Math.min(((buffer[AT] as number) & 15) * 4, bytes);
  writeWord(buffer, AT + 10, checksum(buffer, AT, AT + headerBytes));
};

test('packets', () => {
  const view = new IpView();
  for (const { name, bytes, expect } of corpus<Seen>('packets')) {
    const fault = nameOf(IpFault, parse(view, embed(bytes)));
    const found =
      fault === 'none'
        ? { fault, protocol: view.protocol, payloadAt: view.payloadAt - AT, fragment: nameOf(Fragment, view.fragment) }
        : { fault };
    assert.deepEqual(found, expect, name);
  }
});

const forwarded = (act: (buffer: Uint8Array, view: IpView, bytes: Uint8Array) => void) => (input: Uint8Array) => {
  const view = new IpView();
  const buffer = embed(input);
  repair(buffer);
  if (parse(view, buffer) !== IpFault.none) return;
  const bytes = buffer.slice(AT, buffer.length - AT);
  assert.ok(view.payloadAt > AT && view.payloadAt <= view.end);
  act(buffer, view, bytes);
  assert.ok(buffer.subarray(0, AT).every((byte) => byte === 0xee));
  assert.ok(buffer.subarray(view.end).every((byte) => byte === 0xee));
};

test('packets made of the corpus are rewritten in place, nothing outside of them', () => {
  survive(
    corpus('packets'),
    forwarded((buffer, view, bytes) => {
      const back = buffer.slice(view.sourceAt, view.sourceAt + view.addressBytes);
      rewriteAddress(buffer, view, view.sourceAt, new Uint8Array(view.addressBytes).fill(0x77));
      rewriteAddress(buffer, view, view.sourceAt, back);
      assert.deepEqual(buffer.subarray(view.sourceAt, view.sourceAt + 2 * view.addressBytes).length, 2 * back.length);
      decrementHopLimit(buffer, view);
      clampMss(buffer, view, 1200);
      assert.equal(view.end - view.start, bytes.length);
      if (view.version === 4) assert.equal(new IpView().parse(buffer, view.start, view.end), IpFault.none);
    }),
  );
});

test('packets made of the corpus are cut into segments that carry every byte once, or refused', () => {
  survive(
    corpus('packets'),
    forwarded((buffer, view) => {
      for (const segmentBytes of [1, 3, 1460]) {
        // Segments are cut where the packet lies.
        const lies = buffer.slice();
        const segmenter = new Segmenter();
        if (!segmenter.begin(lies, view, segmentBytes)) continue;
        let segments = 0;
        for (let bytes = segmenter.nextInPlace(); bytes > 0; bytes = segmenter.nextInPlace()) {
          assert.equal(new IpView().parse(lies, segmenter.start, segmenter.start + bytes), IpFault.none);
          segments++;
        }
        assert.ok(segments >= 1 && segments <= view.end - view.start);
      }
    }),
  );
});

test('packets made of the corpus leave a coalescer in order and whole', () => {
  survive(
    corpus('packets'),
    forwarded((buffer, view, bytes) => {
      const batch = new GatherBatch(3);
      const coalescer = new Coalescer(batch);
      coalescer.add(buffer, view);
      coalescer.finish(buffer);
      assert.equal(batch.messageCount, 1);
      const first = batch.messages[0] as number;
      assert.deepEqual([...batch.pieces.subarray(first, first + PIECE_WORDS)], [AT, bytes.length, NO_PIECE]);
      assert.equal(
        batch.messages.subarray(1, MESSAGE_WORDS).some((word) => word !== 0),
        false,
      );
      assert.deepEqual(buffer.subarray(AT, AT + bytes.length), bytes);
    }),
  );
});

test('an ICMP error about a packet made of the corpus is right and no longer than it may be, or there is none', () => {
  const out = new Uint8Array(MAX_ICMP_ERROR_BYTES);
  survive(
    corpus('packets'),
    forwarded((buffer, view) => {
      const from = new Uint8Array(view.addressBytes).fill(1);
      for (const error of Object.values(IcmpError)) {
        const bytes = writeIcmpError(error, buffer, view, from, 1280, out, 0);
        if (bytes === 0) continue;
        assert.ok(bytes <= (view.version === 4 ? 576 : 1280));
        assert.equal(new IpView().parse(out, 0, bytes), IpFault.none);
        if (view.version === 6) assert.ok(isIntact(out.subarray(0, bytes)));
      }
    }),
  );
});

test('addresses and prefixes as text', () => {
  const address = (input: string) => {
    const found = parseIpAddress(input);
    return found && formatIpAddress(found);
  };
  const prefix = (input: string) => {
    const found = parsePrefix(input);
    return found && formatPrefix(found);
  };
  for (const [what, read] of [
    ['addresses', address],
    ['prefixes', prefix],
  ] as const) {
    for (const { name, bytes, expect } of corpus(what)) assert.equal(read(text(bytes)), expect, name);
    survive(corpus(what), (bytes) => {
      const found = read(text(bytes));
      // Canonical text reads as itself.
      if (found !== undefined) assert.equal(read(found), found);
    });
  }
});
