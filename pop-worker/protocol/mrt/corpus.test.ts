import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { MrtError } from './errors.ts';
import { readSessionRecord } from './messages.ts';
import { MrtType, readRecord } from './record.ts';
import { readPeerIndex, readRoutes, TableSubtype } from './table-dump.ts';

interface Expect {
  /** A line for each record; the last one is the error, if there is one. */
  readonly lines: readonly string[];
}

const cases = (): Case<Expect>[] => readCorpus<Expect>(new URL('testing/corpus/files.json', import.meta.url));

const describe = (bytes: Uint8Array): string[] => {
  const lines: string[] = [];
  try {
    for (let at = 0; ; ) {
      const record = readRecord(bytes, at, bytes.length);
      if (record === undefined) return lines;
      const isTable = record.type === MrtType.tableDumpV2;
      if (isTable && record.subtype === TableSubtype.peerIndex)
        lines.push(`${readPeerIndex(bytes, record).peers.length} peers`);
      else if (isTable) lines.push(`${readRoutes(bytes, record)?.entries.length ?? 'unknown'} routes`);
      else if (record.type === MrtType.bgp4mp || record.type === MrtType.bgp4mpEt) {
        const session = readSessionRecord(bytes, record);
        lines.push(
          session === undefined ? 'unknown' : 'message' in session ? 'message' : `${session.from} to ${session.to}`,
        );
      } else lines.push(`type ${record.type}`);
      assert.ok(record.end > at);
      at = record.end;
    }
  } catch (error) {
    if (!(error instanceof MrtError)) throw error;
    return [...lines, error.message];
  }
};

test('files', () => {
  for (const { name, bytes, expect } of cases()) assert.deepEqual(describe(bytes), expect.lines, name);
});

test('files made of the corpus: records, or one error', () => {
  survive(cases(), (bytes) => {
    describe(bytes);
  });
});
