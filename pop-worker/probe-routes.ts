import { createHash } from 'node:crypto';
import type { ProbeRoute } from '#dataplane/forward/kernel-probe.ts';
import { formatPrefix, type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import type { WorkerConfig } from './config.ts';

/** Bytes of a unique local prefix that are to be like nobody else's (RFC 4193 §3.2). */
const GLOBAL_ID_BYTES = 5;

const hostOf = (address: Uint8Array): string =>
  formatPrefix({ address, length: 8 * address.length }).split('/')[0] as string;

/** First and last address of the carriers, which no device ever has. */
const endsOf = ({ address, length }: Prefix): [string, string] => {
  const last = new Uint8Array(address);
  for (let bit = length; bit < 32; bit++) last[bit >> 3] = (last[bit >> 3] as number) | (0x80 >> (bit & 7));
  return [hostOf(address), hostOf(last)];
};

/** IPv6 addresses of probes: a prefix of this worker and TUN. */
export const probePrefix6 = ({ worker, tun }: Pick<WorkerConfig, 'worker' | 'tun'>): string => {
  const id = createHash('sha256')
    .update(`${worker} ${tun.name}`)
    .digest('hex')
    .slice(0, 2 * GLOBAL_ID_BYTES);
  return `fd${id.slice(0, 2)}:${id.slice(2, 6)}:${id.slice(6, 10)}::/126`;
};

/** Between which addresses a worker tries the way through the kernel, IPv4 first. They are translated where those of devices are. */
export const probeRoutes = (config: Pick<WorkerConfig, 'worker' | 'tun'>): readonly [ProbeRoute, ProbeRoute] => {
  const { carriers, masquerade, routed6, router4, router6 } = config.tun;
  const [source4, target4] = endsOf(parsePrefix(carriers) as Prefix);
  const prefix6 = probePrefix6(config).split('/')[0] as string;
  const [source6, target6] = [`${prefix6}1`, `${prefix6}2`];
  return [
    { source: source4, target: target4, translated: masquerade ? router4 : source4 },
    { source: source6, target: target6, translated: masquerade && !routed6 ? router6 : source6 },
  ];
};
