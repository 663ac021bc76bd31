import assert from 'node:assert/strict';
import { BEYOND, BEYOND_PREFIX } from '#bench/harness/network.ts';
import { withSites } from '../scene.ts';
import { ping } from '../side.ts';
import type { Proof } from './proof.ts';

/** Ours is on the loopback of its host. */
const OUR_NETWORK = '198.51.100.0/24';
const OUR_HOST = '198.51.100.7';

/** Two networks, one behind each interface, that know nothing of the tunnel. */
export const sites: Proof = (name) =>
  withSites(name, async ({ ours, theirs, configure }, beyond) => {
    await configure(
      { over: 4, allowedIps: `${theirs.end.inner[4]}/32, ${BEYOND_PREFIX}` },
      { allowedIps: `${ours.end.inner[4]}/32, ${OUR_NETWORK}` },
    );
    await ours.ip(`address add ${OUR_HOST}/24 dev lo`);
    await ours.ip(`route add ${BEYOND_PREFIX} dev ${ours.end.name}`);
    await theirs.ip(`route add ${OUR_NETWORK} dev ${theirs.end.name}`);
    assert.equal(await ours.ping(BEYOND, { from: OUR_HOST }), 3);
    assert.equal(await ping(beyond, OUR_HOST), 3);
    // Addresses that are of neither network go no further.
    await beyond.run(['ip', 'address', 'add', '203.0.114.1/32', 'dev', 'lo']);
    assert.equal(await ours.ping('203.0.114.1', { from: OUR_HOST, seconds: 1, count: 1 }), 0);
  });
