import assert from 'node:assert/strict';
import { type Case, reasonOf } from './case.ts';

/** 32 random bytes in base64: any is a public key that somebody can have. */
const randomKey = (): string => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));

export const wireguard = async ({ send, id }: Case): Promise<void> => {
  const edge = { publicKey: randomKey(), endpoints: ['192.0.2.1:51820', '[2001:db8:a::1]:51820'] };
  const told = await send('PATCH', '/v1/wireguard-edge', edge);
  assert.deepEqual([told.status, told.json.publicKey], [200, edge.publicKey], JSON.stringify(told.json));
  assert.deepEqual((await send('GET', '/v1/wireguard-edge')).json.endpoints, edge.endpoints);
  const base = `/v1/tenants/${id('wired')}`;
  await send('POST', '/v1/tenants', { id: id('wired') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.64.0.0/16' });
  const [publicKey, presharedKey] = [randomKey(), randomKey()];
  const networks = ['10.64.128.0/24'];
  const site = { id: 'site', network: 'n', wireguard: { publicKey, presharedKey, networks } };
  const made = await send('POST', `${base}/devices`, site);
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const { peerNumber, ...shown } = made.json.wireguard;
  assert.deepEqual(shown, { publicKey, hasPresharedKey: true, presharedKeySealedTo: edge.publicKey, networks });
  assert.ok(peerNumber > 0);
  const twice = send('POST', `${base}/devices`, { id: 'copy', network: 'n', wireguard: { publicKey } });
  assert.deepEqual(await reasonOf(twice), [409, 'WIREGUARD_KEY_TAKEN']);
  const changed = await send('PATCH', `${base}/devices/site`, { wireguard: { persistentKeepaliveSeconds: 25 } });
  assert.deepEqual(changed.json.wireguard, { ...made.json.wireguard, persistentKeepaliveSeconds: 25 });
  assert.equal((await send('PATCH', `${base}/devices/site`, { wireguard: null })).json.wireguard, undefined);
};
