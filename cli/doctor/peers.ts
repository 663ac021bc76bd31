import { findCommand } from '#scripts/setup/paths.mjs';
import { type Check, missing, ok } from './check.ts';

/** Other implementations and tools that `interop` and `bench --peers` can run: Debian's names. */
const PEERS = [
  { feature: 'BIRD', commands: ['bird'], apt: 'bird2' },
  { feature: 'GoBGP', commands: ['gobgpd'], apt: 'gobgpd' },
  { feature: 'wireguard-go', commands: ['wireguard-go', 'wireguard'], apt: 'wireguard-go' },
  { feature: 'wg', commands: ['wg'], apt: 'wireguard-tools' },
  { feature: 'ngtcp2', commands: ['gtlsclient', 'ngtcp2-client', 'qtlsclient'], apt: 'ngtcp2-client ngtcp2-server' },
  { feature: 'Caddy', commands: ['caddy'], apt: 'caddy' },
  { feature: 'Chromium', commands: ['chromium'], apt: 'chromium' },
  { feature: 'iperf3', commands: ['iperf3'], apt: 'iperf3' },
  { feature: 'clang', commands: ['clang'], apt: 'clang llvm' },
  { feature: 'tcpdump', commands: ['tcpdump'], apt: 'tcpdump' },
] as const;

export const PEER_CHECKS: readonly Check[] = PEERS.map(({ feature, commands, apt }) => ({
  feature,
  neededBy: 'interop',
  probe: () => {
    const file = findCommand(commands);
    return file === undefined ? missing('not installed', `apt-get install --no-install-recommends ${apt}`) : ok(file);
  },
}));
