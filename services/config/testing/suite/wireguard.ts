import assert from 'node:assert/strict';
import { type Case, reasonOf } from './case.ts';

/** 32 random bytes in base64: any is a public key that somebody can have. */
const randomKey = (): string => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));

export const wireguard = async ({ send, id }: Case): Promise<void> => {
  const path = '/v1/wireguard-edge';
  const endpoints = ['192.0.2.1:51820', '[2001:db8:a::1]:51820'];
  // There is one edge for all, whoever of those that run this at the same time has said its key first.
  const { publicKey: known = '' } = (await send('GET', path)).json;
  const told = await send('PATCH', path, { endpoints, ...(known === '' && { publicKey: randomKey() }) });
  assert.equal(told.status, 200, JSON.stringify(told.json));
  const edge = (await send('GET', path)).json;
  assert.deepEqual([edge.endpoints, edge.publicKey === ''], [endpoints, false]);
  const base = `/v1/tenants/${id('wired')}`;
  await send('POST', '/v1/tenants', { id: id('wired') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.64.0.0/16' });
  const [publicKey, presharedKey] = [randomKey(), randomKey()];
  const networks = ['10.64.128.0/24'];
  const site = { id: 'site', network: 'n', wireguard: { publicKey, presharedKey, networks } };
  const made = await send('POST', `${base}/devices`, site);
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const { peerNumber, presharedKeySealedTo, ...shown } = made.json.wireguard;
  assert.deepEqual(shown, { publicKey, hasPresharedKey: true, networks });
  const now = (await send('GET', path)).json;
  assert.ok([now.publicKey, now.previousPublicKey].includes(presharedKeySealedTo));
  assert.ok(peerNumber > 0);
  const rotation = await send('GET', `${path}/rotation`);
  assert.deepEqual([rotation.status, rotation.json.publicKey !== undefined], [200, true]);
  const named = await send('PATCH', `${base}/devices/site`, { wireguard: { site: 'berlin' } });
  assert.equal(named.status, 200, JSON.stringify(named.json));
  const { state, tunnels } = (await send('GET', `${base}/sites/berlin`)).json;
  assert.deepEqual([state, tunnels], ['SITE_STATE_DOWN', [{ device: 'site', state: 'TUNNEL_STATE_AWAY' }]]);
  assert.equal((await send('GET', `${base}/sites`)).json.sites.length, 1);
  assert.equal((await send('PATCH', `${base}/devices/site`, { wireguard: { site: '' } })).status, 200);
  const twice = send('POST', `${base}/devices`, { id: 'copy', network: 'n', wireguard: { publicKey } });
  assert.deepEqual(await reasonOf(twice), [409, 'WIREGUARD_KEY_TAKEN']);
  const changed = await send('PATCH', `${base}/devices/site`, { wireguard: { persistentKeepaliveSeconds: 25 } });
  assert.deepEqual(changed.json.wireguard, { ...made.json.wireguard, persistentKeepaliveSeconds: 25 });
  assert.equal((await send('PATCH', `${base}/devices/site`, { wireguard: null })).json.wireguard, undefined);
};
