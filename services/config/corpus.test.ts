import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { surviveAsync } from '#scripts/corpus/survive.ts';
import { CONFIG_SERVICES } from './app.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

interface Expected {
  readonly path: string;
  readonly status: number;
  readonly reason?: string;
}

const corpus = (name: string) => readCorpus<Expected>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const PATHS = CONFIG_SERVICES.flatMap((service) =>
  service.methods.filter(({ methodKind }) => methodKind === 'unary').map(({ name }) => `/${service.typeName}/${name}`),
);

let installation: TestInstallation;
let copy: Copy;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  await copy.send('POST', '/v1/tenants', { id: 'acme' });
  await copy.send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
});
after(() => installation?.close());

const call = async (path: string, type: string, bytes: Uint8Array) => {
  const headers = { 'content-type': type, authorization: `Bearer ${installation.operator}` };
  const body = Uint8Array.from(bytes);
  const response = await copy.app.fetch(new Request(`http://edge${path}`, { method: 'POST', headers, body }));
  return { status: response.status, text: await response.text() };
};

for (const [what, type] of [
  ['json', 'application/json'],
  ['protobuf', 'application/proto'],
] as const) {
  test(`${what} of the corpus has its status and reason`, async () => {
    for (const { name, bytes, expect } of corpus(what)) {
      const { status, text } = await call(expect.path, type, bytes);
      assert.equal(status, expect.status, `${name}: ${text}`);
      if (expect.reason !== undefined) assert.ok(text.includes(`"reason":"${expect.reason}"`), `${name}: ${text}`);
    }
  });

  test(`${what} made of the corpus is answered or refused, whatever the method`, async () => {
    let turn = 0;
    const paths = what === 'json' ? [...PATHS, '/v1/tenants', '/v1/tenants/acme/networks'] : PATHS;
    await surviveAsync(
      corpus(what),
      async (bytes) => {
        const path = paths[turn++ % paths.length] as string;
        const { status, text } = await call(path, type, bytes);
        assert.ok(status < 500, `${path}: ${status} ${text}`);
      },
      { mutants: 400, bounds: { bytes: 64 * 1024 * 1024 } },
    );
  });
}

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
