import { testConfigCorpus } from '#settings/testing/config-corpus.ts';
import { parseServicesConfig } from './config.ts';

testConfigCorpus(new URL('testing/corpus/services-files.json', import.meta.url), parseServicesConfig);
