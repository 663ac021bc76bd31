import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { Happenings } from './testing/happenings.ts';

interface Expect {
  /** The Loc-RIB in the end. */
  readonly loc: readonly string[];
  /** What the first station heard besides routes. */
  readonly lines: Readonly<Record<string, number>>;
  readonly updates: number;
}

const cases = readCorpus<Expect>(new URL('testing/corpus/happenings.json', import.meta.url));
/** Happenings of one input at most: a mutant of a long one is no longer a test of the feed but of the RIB. */
const MOST_BYTES = 240;
/** A RIB, and four stations with a buffer for each table. */
const SCENE_BYTES = 64 * 1024 * 1024;

/** How often what was said, by its first words. */
const counted = (lines: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const name = line.replace(/ (\d|loc).*$/, '');
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};

test('what neighbours do is what a station hears', () => {
  for (const { name, bytes, expect } of cases) {
    const happenings = new Happenings();
    happenings.run(bytes);
    const { station } = happenings.first;
    const found = { loc: station.table('loc'), lines: counted(station.lines), updates: station.updates };
    assert.deepEqual(found, expect, name);
  }
});

test('whatever happens, each station reads whole messages, and knows in the end what is in the tables', () => {
  survive(
    cases,
    (bytes) => {
      const happenings = new Happenings();
      happenings.run(bytes.subarray(0, MOST_BYTES));
      for (const watched of happenings.scene.watched) {
        const { found, meant } = happenings.known(watched);
        assert.deepEqual(found, meant);
      }
    },
    { mutants: 400, bounds: { bytes: SCENE_BYTES } },
  );
});
