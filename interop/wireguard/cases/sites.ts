import assert from 'node:assert/strict';
import { BEYOND_PREFIX, withChain } from '#bench/harness/network.ts';
import { runCommand } from '#lab/command.ts';
import { between } from '../scene.ts';
import type { Proof } from './proof.ts';

const LINK_MTU = 1500;
/** Ours is on the loopback of its host. */
const OUR_NETWORK = '198.51.100.0/24';
const OUR_HOST = '198.51.100.7';

/** Two networks, one behind each interface, that know nothing of the tunnel. */
export const sites: Proof = (name) =>
  withChain(LINK_MTU, (chain) =>
    between(chain, { ours: 'ours', theirs: name }, async ({ ours, theirs, configure }) => {
      await configure(
        { over: 4, allowedIps: `${theirs.end.inner[4]}/32, ${BEYOND_PREFIX}` },
        { allowedIps: `${ours.end.inner[4]}/32, ${OUR_NETWORK}` },
      );
      await ours.ip(`address add ${OUR_HOST}/24 dev lo`);
      await ours.ip(`route add ${BEYOND_PREFIX} dev ${ours.end.name}`);
      await theirs.ip(`route add ${OUR_NETWORK} dev ${theirs.end.name}`);
      assert.equal(await ours.ping(chain.beyond.address, { from: OUR_HOST }), 3);
      const back = ['ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '3', OUR_HOST];
      const answer = await runCommand('ip', ['netns', 'exec', chain.beyond.namespace, ...back]);
      assert.match(answer, / 3 received/);
      // Addresses that are of neither network go no further.
      await runCommand('ip', ['-n', chain.beyond.namespace, 'address', 'add', '203.0.114.1/32', 'dev', 'lo']);
      assert.equal(await ours.ping('203.0.114.1', { from: OUR_HOST, seconds: 1, count: 1 }), 0);
    }),
  );
