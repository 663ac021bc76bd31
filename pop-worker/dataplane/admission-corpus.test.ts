import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { surviveAsync } from '#scripts/corpus/survive.ts';
import { Admission } from './admission.ts';
import { Directory } from './directory.ts';

const NOW = 1_800_000_000;
const { privateKey, publicKey } = await generateKeyPair('ES256');
const corpus = (name: string) => readCorpus<string>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const directory = new Directory();
directory.setKeys(
  JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] }),
  'https://edge',
);
directory.isCurrent = true;
const tenants = new Set(['acme']);
const admission = new Admission(directory, () => NOW * 1000, tenants);

/** The reason for a refusal, which is for good; or 'admitted'. */
const admit = async (authorization: string): Promise<string> => {
  const answer = await admission.admit(authorization);
  if (!('status' in answer)) return 'admitted';
  assert.ok(answer.status === 401 || answer.status === 403);
  return answer.reason;
};

const expectEach = async (
  cases: readonly Case<string>[],
  of: (bytes: Uint8Array) => Promise<string>,
): Promise<void> => {
  for (const { name, bytes, expect } of cases) {
    const found = await of(bytes);
    assert.ok(found.includes(expect), `${name}: ${found}`);
  }
};

test('what is no token of ours is refused, and counted', async () => {
  const cases = corpus('tokens');
  const { unauthorized } = admission.outcomes;
  await expectEach(cases, (bytes) => admit(text(bytes)));
  assert.equal(admission.outcomes.unauthorized - unauthorized, cases.length);
  await surviveAsync(cases, async (bytes) => assert.notEqual(await admit(text(bytes)), 'admitted'), { mutants: 2000 });
});

/** As a service that has the key but went wrong would have signed it. */
const signed = async (payload: Uint8Array): Promise<string> =>
  `Bearer ${await new CompactSign(payload).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey)}`;

test('claims that are signed and make no sense are refused', async () => {
  await expectEach(corpus('claims'), async (bytes) => admit(await signed(bytes)));
  await surviveAsync(corpus('claims'), async (bytes) => void (await admit(await signed(bytes))), { mutants: 1000 });
});

test('keys that make no sense let nobody in, and are no exception', async () => {
  const token = await signed(Buffer.from('{}'));
  for (const keys of ['', '{', '[]', 'null', '5', '{}', '{"keys":5}', '{"keys":[null]}', '{"keys":[{"kty":"EC"}]}']) {
    const broken = new Directory();
    broken.setKeys(keys, 'https://edge');
    const answer = await new Admission(broken, () => NOW * 1000, tenants).admit(token);
    assert.ok('status' in answer, keys);
  }
});
