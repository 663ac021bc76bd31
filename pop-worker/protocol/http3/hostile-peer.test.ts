import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { playHttp3 } from './testing/hostile.ts';

const corpus = readCorpus(new URL('testing/corpus/hostile.json', import.meta.url));

test('a peer with valid streams, whatever it does on them: only errors of RFC 9114 and RFC 9204, within all limits', () => {
  survive(corpus, (bytes) => playHttp3(bytes), { mutants: 2000 });
});
