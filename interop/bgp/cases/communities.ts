import type { Peer } from '../peer.ts';
import { nameIn, oneSession, withScene } from '../scene.ts';
import { until } from '../until.ts';
import { other, type Proof } from './proof.ts';

const GRACEFUL_SHUTDOWN = '65535:0';
const BLACKHOLE = '65535:666';
const NO_EXPORT = '65535:65281';
const NO_ADVERTISE = '65535:65282';

/** What a route asks for by its communities is done, and what ours ask for is there. */
export const wellKnown: Proof = (name) => {
  const told = (n: number, ...toldWith: string[]) => ({
    prefix: `203.0.${n}.0/24`,
    med: 5,
    asPath: [64_999],
    toldWith,
  });
  const theirs = [
    told(112, '64999:1'),
    told(113, GRACEFUL_SHUTDOWN),
    told(114, NO_EXPORT),
    told(115, NO_ADVERTISE),
    told(116, BLACKHOLE),
  ];
  const longer = { prefix: '203.0.113.0/24', med: 5, asPath: [64_997, 64_998, 64_999] };
  const cast = [
    { name, setup: { sessions: oneSession(), routes: theirs } },
    { name: other(name), setup: { sessions: oneSession(), routes: [longer] } },
  ];
  const originate = [
    { prefix: '198.51.100.0/24', communities: [GRACEFUL_SHUTDOWN] },
    { prefix: '198.51.101.0/24', communities: [BLACKHOLE] },
  ];
  return withScene({ cast, originate }, async ({ ours, peer, peers }) => {
    const receiver = peers[1] as Peer;
    await until('we have all', async () => (await ours.routes(nameIn(name, 4), 'ipv4-unicast')).length === 5);
    await until('the longer path is better than one that is about to go (RFC 8326)', async () => {
      const views = await ours.views(nameIn(other(name), 4), 'ipv4-unicast');
      return views.find(({ prefix }) => prefix === longer.prefix)?.best === true;
    });
    await until('the other one has what may go on', async () => {
      const found = (await receiver.routes(4, 'ipv4-unicast')).map(({ prefix }) => prefix).toSorted();
      return found.join(' ') === '198.51.100.0/24 198.51.101.0/24 203.0.112.0/24';
    });
    await until('it has our communities', async () => {
      const routes = await peer.routes(4, 'ipv4-unicast');
      const has = (wanted: string, community: string): boolean =>
        routes
          .find(({ prefix }) => prefix === wanted)
          ?.communities.split(' ')
          .includes(community) === true;
      // FRR gives NO_EXPORT to what it has with BLACKHOLE, as RFC 7999 §3.2 wants it.
      return has('198.51.100.0/24', GRACEFUL_SHUTDOWN) && has('198.51.101.0/24', BLACKHOLE);
    });
  });
};
