import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { Sealer } from '#services/store/seal.ts';
import { createTokenApp } from '#services/token/app.ts';

type Fetch = (request: Request) => Promise<Response>;
type Document = Readonly<Record<string, unknown>> & { readonly info: Readonly<Record<string, unknown>> };

let installation: TestInstallation;
const services = new Map<string, Fetch>();

before(async () => {
  installation = await createTestInstallation();
  const { app, nats } = await installation.startCopy();
  services.set('config', app.fetch);
  const { verify } = installation.tokens;
  const sealer = await Sealer.create(randomBytes(32));
  const report = (error: unknown): void => void installation.reports.push(error);
  services.set('token', (await createTokenApp({ nats, sealer, verify, issuer: 'https://edge.test', report })).fetch);
});
after(() => installation?.close());

for (const service of ['config', 'token']) {
  for (const [path, version] of [
    ['/openapi.json', '3.0'],
    ['/openapi-3.1.json', '3.1'],
  ] as const) {
    test(`${service}: ${path} is what OpenAPI ${version} says`, async () => {
      const response = await services.get(service)?.(new Request(`http://edge${path}`));
      const document = (await response?.json()) as Document;
      const valid = new Validator();
      assert.deepEqual(await valid.validate(document), { valid: true });
      assert.equal(valid.version, version);
      const { title, ...info } = document.info;
      assert.equal(typeof title, 'string');
      assert.equal((await new Validator().validate({ ...document, info })).valid, false, 'the validator looks');
    });
  }
}
