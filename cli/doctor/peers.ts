import { findBird, findWireguardClient } from '#scripts/setup/debian-peers.mjs';
import { findGo } from '#scripts/setup/go-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { peersAreMissing } from '#scripts/setup/peers.mjs';
import { type Check, limited, missing, ok } from './check.ts';

const go: Check = {
  feature: 'Go',
  neededBy: 'interop',
  probe: () => {
    try {
      const { command, version } = findGo();
      return ok(`${version}, ${command}`);
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      return missing('none that builds the peers on quic-go', error.message);
    }
  },
};

const peers: Check = {
  feature: 'peers',
  neededBy: 'interop',
  probe: () =>
    peersAreMissing()
      ? limited('quic-go, ngtcp2 and iperf3 are fetched when they are wanted', 'npm test fetches them')
      : ok('in the cache'),
};

const router: Check = {
  feature: 'BIRD (BGP upstream of the lab)',
  neededBy: 'up',
  probe: () =>
    findBird() === undefined
      ? limited('none: the lab lays static routes instead of speaking BGP', 'npm start fetches it, as root on Debian')
      : ok('in the cache'),
};

const wireguardClient: Check = {
  feature: 'wireguard-go (client of the lab)',
  neededBy: 'up',
  probe: () =>
    findWireguardClient() === undefined
      ? limited('none: the journey leaves the WireGuard client out', 'npm start fetches it, as root on Debian')
      : ok('in the cache'),
};

/** Other implementations that `interop` and `bench --peers` run beside ours. */
export const PEER_CHECKS: readonly Check[] = [router, wireguardClient, go, peers];
