import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WorkerConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { DesiredState } from './desired-state.ts';
import { shareCut } from './share-cut.ts';
import type { Outlook } from './source.ts';

const jwks = (...kids: string[]): string => JSON.stringify({ keys: kids.map((kid) => ({ kid })) });

const world = (present: { tunnels: number; cut: number }) => {
  const state = new DesiredState();
  state.setNetwork('acme', 'n', ['10.0.0.0/24', 'fd00::/64']);
  state.setNetwork('other', 'n', ['10.9.0.0/24']);
  state.setRevisionPrefixes(
    new Map([
      ['acme', ['10.0.0.0/24', 'fd00::/64']],
      ['old', ['10.1.0.0/24']],
    ]),
  );
  state.setKeys(jwks('a', 'b'), 'iss');
  state.setRefusedPrefixes(['192.168.0.0/16']);
  const outlooks: Outlook[] = [];
  const assess = async (outlook: Outlook) => {
    outlooks.push(outlook);
    return present;
  };
  const share = (next: Parameters<typeof create<typeof WorkerConfigSchema>>[1]) =>
    shareCut(state, { assess }, create(WorkerConfigSchema, { jwks: jwks('b', 'c'), tokenIssuer: 'iss', ...next }));
  return { share, outlooks };
};

test('only what would be other than it is is asked about, with networks that stay by themselves', async () => {
  const { share, outlooks } = world({ tunnels: 4, cut: 1 });
  assert.equal(await share({ refusedPrefixes: ['192.168.0.0/16', '203.0.113.0/24'] }), 0.25);
  assert.deepEqual(outlooks, [{ tenants: new Map([['old', []]]), refused: ['203.0.113.0/24'] }]);
  await share({ tenants: [{ tenant: 'acme', prefixes: ['10.5.0.0/24'] }] });
  assert.deepEqual(outlooks[1]?.tenants.get('acme'), ['10.0.0.0/24', '10.5.0.0/24', 'fd00::/64']);
});

test('when no token would be good any more, all are cut off', async () => {
  const { share } = world({ tunnels: 4, cut: 0 });
  assert.equal(await share({}), 0, 'one key is left');
  assert.equal(await share({ tokenIssuer: 'https://another' }), 1);
  for (const text of [jwks('c'), jwks(), '', '[', 'null', '{"keys":1}'])
    assert.equal(await share({ jwks: text }), 1, text);
});

test('where nobody is connected nobody is cut off', async () => {
  const { share } = world({ tunnels: 0, cut: 0 });
  assert.equal(await share({ tokenIssuer: 'https://another' }), 0);
});
