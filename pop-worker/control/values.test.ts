import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Bucket, FLEET_MANIFEST } from '#model/names.ts';
import { mutants, readCorpus } from '#scripts/corpus/corpus.ts';
import { eventually } from '#services/config/testing/client.ts';
import type { Control } from './control.ts';
import { createTestHub, type TestHub } from './testing/hub.ts';

interface Expected {
  readonly bucket: string;
  readonly key: string;
  /** Records that cannot be read for it. */
  readonly unreadable: number;
}

const corpus = readCorpus<Expected>(new URL('testing/corpus/records.json', import.meta.url));
let hub: TestHub;
let control: Control;
let nats: NatsConnection;

before(async () => {
  hub = await createTestHub();
  nats = await connect({ servers: hub.installation.server.url });
  ({ control } = await hub.startWorker('w1'));
  await until(() => control.membership.caughtUp, 'all of membership');
});
after(async () => {
  await nats?.close();
  await hub?.close();
});

const until = (look: () => boolean, what: string) => eventually(async () => (look() ? true : undefined), what);
const put = async (bucket: string, key: string, bytes: Uint8Array): Promise<void> => {
  await jetstream(nats).publish(`$KV.${bucket}.${key}`, bytes);
};

/** Everything that was put before has been looked at once a device that is put now is known. */
let count = 0;
const settled = async (): Promise<void> => {
  const id = `last${count++}`;
  for (const bucket of [Bucket.config, Bucket.revocations]) await put(bucket, `end.device.${id}`, DEVICE);
  await until(() => control.state.device('end', id) !== undefined && control.state.isRevoked('end', id, ''), id);
};
const DEVICE = corpus[0]!.bytes;

test('what cannot be read is counted and told, the rest is followed', async () => {
  for (const { name, bytes, expect } of corpus) {
    const [unreadable, errors] = [control.membership.unreadable, hub.errors.length];
    await put(expect.bucket, expect.key, bytes);
    await settled();
    assert.equal(control.membership.unreadable - unreadable, expect.unreadable, name);
    if (expect.unreadable > 0)
      assert.match(String(hub.errors[errors]), new RegExp(`record .* of ${expect.bucket} cannot be read`));
  }
  assert.equal(control.view.contact.unreadableRecords, control.membership.unreadable);
  const { state } = control;
  assert.equal(state.device('acme', 'a')?.ipv4, '10.64.0.2');
  assert.equal(state.device('acme', 'b'), undefined);
  assert.ok(state.isRevoked('acme', 'b', ''), 'also of a device whose record cannot be read');
  assert.ok(state.isRevoked('globex', 'any', ''));
  assert.ok(!state.isRevoked('acme', 'other', 'any'), 'a revocation of an unknown kind is nobody else’s');
});

test('records made of the corpus do not keep the next from being followed', async () => {
  const keys = ['acme.device.m', 'acme.network.m', 'acme.device.a', '_system.worker.moscow.w1'];
  let turn = 0;
  for (const bytes of mutants(corpus, Number(process.env['CBR_CORPUS_SEED'] ?? 1), 300)) {
    const bucket = turn % 5 === 4 ? Bucket.revocations : Bucket.config;
    await put(bucket, keys[turn++ % keys.length] as string, bytes);
  }
  await settled();
  assert.equal(control.connected, true);
});

test('a manifest that is none is refused, counted and told, and what was known stays', async () => {
  const { jwks } = control.state;
  const refused = control.revisions.refusals.get('unreadable') ?? 0;
  await put(Bucket.desired, FLEET_MANIFEST, Uint8Array.of(255, 255));
  await until(() => (control.revisions.refusals.get('unreadable') ?? 0) > refused, 'the refusal');
  assert.match(control.view.contact.refusedRevision, /no signed manifest/);
  assert.equal(control.state.jwks, jwks);
  await settled();
});
