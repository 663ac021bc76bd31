import { testConfigCorpus } from '#settings/testing/config-corpus.ts';
import { parseWorkerConfig } from './config.ts';

testConfigCorpus(new URL('testing/corpus/worker-files.json', import.meta.url), parseWorkerConfig);
