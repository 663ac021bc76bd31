import { z } from 'zod';
import { hostPort, natsServers, prefix } from './fields.ts';
import { testConfigCorpus } from './testing/config-corpus.ts';
import { parseToml } from './toml-file.ts';

const Schema = z.strictObject({
  listen: hostPort,
  refused: z.array(prefix).default([]),
  nats: z.strictObject({ servers: natsServers }),
});

testConfigCorpus(new URL('testing/corpus/toml.json', import.meta.url), (text, file) => parseToml(Schema, text, file));
