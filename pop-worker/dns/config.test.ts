import { DnsFile } from '#settings/dns-file.ts';
import { testConfigCorpus } from '#settings/testing/config-corpus.ts';
import { parseToml } from '#settings/toml-file.ts';
import { checkConfig, configOf } from './config.ts';

testConfigCorpus(new URL('testing/corpus/dns-files.json', import.meta.url), (text, path) => {
  const file = parseToml(DnsFile, text, path);
  checkConfig(file, configOf(file, 0), path);
});
