import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { describeStream } from './testing/describe.ts';
import { Family } from './wire/families.ts';
import { decodeFlowSpec } from './wire/flowspec/codec.ts';
import { areFlowSpecs, FlowCursor } from './wire/flowspec/nlri.ts';
import { flowSpecText } from './wire/flowspec/text.ts';
import { EXTERNAL, INTERNAL, OLD } from './wire/testing/update.ts';
import type { UpdateRules } from './wire/update-rules.ts';

interface Expect {
  /** `new` unless it says something else. */
  readonly session?: keyof typeof SESSIONS;
  readonly lines: readonly string[];
}

const ALL = Object.values(Family);
const SESSIONS = {
  new: { ...EXTERNAL, ipv6NextHopFamilies: [Family.ipv4Unicast] },
  old: OLD,
  internal: { ...INTERNAL, takesAsSets: true },
  addPath: { ...EXTERNAL, pathIdFamilies: ALL, ipv6NextHopFamilies: [Family.ipv4Unicast], firstAs: 0 },
} satisfies Record<string, UpdateRules>;

const corpus = <T>(name: string): Case<T>[] => readCorpus<T>(new URL(`testing/corpus/${name}.json`, import.meta.url));

/** In the middle of other bytes, which must not matter. */
const describe = (bytes: Uint8Array, rules: UpdateRules): string[] => {
  const buffer = new Uint8Array(bytes.length + 40).fill(0xff);
  buffer.set(bytes, 21);
  return describeStream(buffer, 21, 21 + bytes.length, rules);
};

test('messages', () => {
  for (const { name, bytes, expect } of corpus<Expect>('messages')) {
    assert.deepEqual(describe(bytes, SESSIONS[expect.session ?? 'new']), expect.lines, name);
  }
});

test('messages made of the corpus: nothing but the errors of RFC 4271 §6, and what is kept is what is passed on', () => {
  survive(corpus('messages'), (bytes) => {
    for (const rules of Object.values(SESSIONS)) describe(bytes, rules);
  });
});

/** Headers are seldom right by chance: here they always are. */
test('bodies made of the corpus', () => {
  const bodies = corpus<Expect>('messages').map((each) => ({ ...each, bytes: each.bytes.subarray(18) }));
  survive(bodies, (bytes) => {
    const message = new Uint8Array(Math.max(19, 18 + bytes.length)).fill(0xff);
    message[16] = message.length >>> 8;
    message[17] = message.length;
    message.set(bytes, 18);
    for (const rules of Object.values(SESSIONS)) describe(message, rules);
  });
});

test('flow specifications: what is well formed is read, whatever it says', () => {
  const read = (bytes: Uint8Array, bits: 32 | 128): string[] | undefined => {
    if (!areFlowSpecs(bytes, 0, bytes.length, bits, false)) return undefined;
    const cursor = new FlowCursor().reset(bytes, 0, bytes.length, false);
    const texts: string[] = [];
    while (cursor.next()) texts.push(flowSpecText(decodeFlowSpec(bytes, cursor.start, cursor.end, bits)));
    return texts;
  };
  for (const { name, bytes, expect } of corpus<{ bits: 32 | 128; texts: string[] | null }>('flow-specifications')) {
    assert.deepEqual(read(bytes, expect.bits) ?? null, expect.texts, name);
  }
  survive(corpus('flow-specifications'), (bytes) => {
    read(bytes, 32);
    read(bytes, 128);
  });
});
