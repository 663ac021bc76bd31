import { BFD, FAMILIES, HOLD_SECONDS } from './bird-config.ts';
import type { ApiCall } from './probes/api.ts';
import { ANYCAST_PREFIXES, AS_NUMBERS, addressOf, type Topology } from './topology.ts';

/** Between one PoP's MED and that of the next one, which is preferred less. */
const MED_STEP = 10;

/** The one after which they announce devices' IPv6 too. @param network6 prefix of any network: all lie in one /48 */
export const devicesCall = (network6: string): ApiCall => ({
  method: 'POST',
  url: '/v1/prefixes',
  body: { id: 'devices-v6', prefix: `${network6.split(':').slice(0, 3).join(':')}::/48` },
});

/** Calls of the API after which workers announce the anycast prefixes to `upstream`; their PoPs exist. */
export const routingCalls = ({ pops, links }: Topology): ApiCall[] => {
  const post = (url: string, body: object): ApiCall => ({ method: 'POST', url, body });
  const prefixes = FAMILIES.map((family) =>
    post('/v1/prefixes', { id: `service-${family}`, prefix: ANYCAST_PREFIXES[family] }),
  );
  const ofPops = pops.flatMap((pop, i) => {
    const { upstream, host } = links.find((link) => link.host.host === pop)!;
    const addresses = FAMILIES.map((family) => addressOf(upstream[family]));
    const session = {
      ...{ remoteAsn: AS_NUMBERS.upstream, localAsn: AS_NUMBERS.edge, role: 'BGP_ROLE_PROVIDER', med: MED_STEP * i },
      ...{ holdSeconds: HOLD_SECONDS, bfdIntervalMs: BFD.intervalMs, bfdMultiplier: BFD.multiplier },
    };
    return [
      post(`/v1/pops/${pop}/uplinks`, { id: 'upstream', device: host.device, probeAddresses: addresses }),
      ...FAMILIES.map((family, at) =>
        post(`/v1/pops/${pop}/bgp-neighbors`, { id: `upstream-${family}`, address: addresses[at], ...session }),
      ),
    ];
  });
  return [...prefixes, ...ofPops];
};
