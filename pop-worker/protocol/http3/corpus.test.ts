import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { readQuarterStreamId } from './datagrams.ts';
import { Http3Error, Http3ErrorCode } from './errors.ts';
import { Disposition, FrameParser } from './frame-parser.ts';
import { INITIAL_SETTINGS, parseSettings } from './settings.ts';
import { RawPeer } from './testing/raw.ts';

const FOLDER = new URL('testing/corpus/', import.meta.url);
const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`${name}.json`, FOLDER));

/** What is returned, or the code of the peer's error. */
const outcome = <T>(act: () => T): T | number => {
  try {
    return act();
  } catch (error) {
    assert.ok(error instanceof Http3Error && error.fault === 'remote', String(error));
    return error.code;
  }
};

const UNKNOWN = 0x21;

/** Payloads of frames as `type hex`; DATA in pieces that are put together again, unknown ones left out. */
const frames = (bytes: Uint8Array, step: number): string[] => {
  const out: string[] = [];
  let pieces = '';
  const parser = new FrameParser({
    frameStart: (type, length) => {
      if (type === UNKNOWN) return Disposition.skip;
      if (type !== 0 || length === 0) {
        if (length === 0 && type === 0) out.push('0 ');
        return length > 16_384 ? Disposition.skip : Disposition.collect;
      }
      pieces = '';
      return Disposition.pass;
    },
    framePiece: (buffer, start, end) => {
      pieces += Buffer.from(buffer.subarray(start, end)).toString('hex');
    },
    frame: (type, buffer, start, end) => {
      if (type !== 0) out.push(`${type} ${Buffer.from(buffer.subarray(start, end)).toString('hex')}`);
    },
  });
  for (let at = 0; at < bytes.length; at += step) {
    parser.push(bytes, at, Math.min(bytes.length, at + step));
    if (parser.atBoundary && pieces !== '') {
      out.push(`0 ${pieces}`);
      pieces = '';
    }
  }
  return parser.atBoundary ? [...out, 'boundary'] : out;
};

test('frames', () => {
  for (const { name, bytes, expect } of corpus<string[] | undefined>('frames')) {
    if (expect !== undefined) assert.deepEqual(frames(bytes, 1), expect, name);
  }
  survive(corpus('frames'), (bytes) => {
    const whole = frames(bytes, 1);
    assert.equal(whole.includes('boundary'), frames(bytes, bytes.length + 1).includes('boundary'));
  });
});

test('settings', () => {
  const parse = (bytes: Uint8Array) => outcome(() => parseSettings(bytes, 0, bytes.length));
  for (const { name, bytes, expect } of corpus<number | object>('settings')) {
    assert.deepEqual(parse(bytes), typeof expect === 'number' ? expect : { ...INITIAL_SETTINGS, ...expect }, name);
  }
  survive(corpus('settings'), (bytes) => {
    const found = parse(bytes);
    const codes: number[] = [Http3ErrorCode.settingsError, Http3ErrorCode.frameError];
    assert.ok(typeof found === 'object' || codes.includes(found), `code ${found}`);
  });
});

test('HTTP Datagrams', () => {
  const parse = (bytes: Uint8Array) =>
    outcome(() => {
      const out = { stream: -1, payload: -1 };
      readQuarterStreamId(bytes, 0, bytes.length, out);
      return [out.stream, out.payload];
    });
  for (const { name, bytes, expect } of corpus('datagrams')) assert.deepEqual(parse(bytes), expect, name);
  survive(corpus('datagrams'), (bytes) => {
    const found = parse(bytes);
    if (typeof found === 'number') assert.equal(found, Http3ErrorCode.datagramError);
    else assert.ok((found[0] ?? -1) <= 2 ** 62 && (found[1] ?? 9) <= bytes.length);
  });
});

/** The streams of the corpus, one after the other: kind in the first byte, then its bytes. */
const streams: Case[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) =>
    readFileSync(new URL(name, FOLDER), 'utf8')
      .split('\n')
      .filter((line) => /^(?:bidi|uni) /.test(line))
      .map((line, i) => ({
        name: `${name} ${i}`,
        bytes: Uint8Array.from([
          line.startsWith('bidi') ? 0 : 1,
          ...Buffer.from(line.replace(/^\w+ | fin$/g, '').replaceAll(' ', ''), 'hex'),
        ]),
        expect: undefined,
      })),
  );

test('streams made of the corpus: requests, or one of our own errors', () => {
  assert.ok(streams.length > 15);
  survive(
    streams,
    (bytes) => {
      const peer = new RawPeer({ server: true, piece: 4000, seed: 1, limits: { unidirectionalStreams: 50 } });
      peer.open(bytes[0] === 0, bytes.subarray(1), true);
      const { outcome: code } = peer;
      // RFC 9114 §8.1, RFC 9204 §6; never that we are at fault.
      if (code !== 'open')
        assert.ok(code >= 0x100 && code <= 0x202 && code !== Http3ErrorCode.internalError, `${code}`);
    },
    { mutants: 1000 },
  );
});
