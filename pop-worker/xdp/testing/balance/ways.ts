import { parseIpAddress } from '#protocol/ip/text.ts';
import { SEED } from '../balanced.ts';
import { flowHash, spreadOf } from '../model.ts';
import { type OuterOptions, outer, packetOf } from '../outer.ts';
import { UDP_PORTS, V4, V6 } from './fixture.ts';

const OUT4 = '10.255.0.0';
const OUT6 = 'fd00:ffff::';

/** A backend, and the last byte of the link address that it is behind. */
interface Way {
  readonly destination: string;
  readonly last: number;
}

export const B1: Way = { destination: '192.0.2.1', last: 1 };
export const B2: Way = { destination: '192.0.2.2', last: 2 };
export const B3: Way = { destination: '2001:db8:9::3', last: 3 };
export const B4: Way = { destination: '2001:db8:9::4', last: 4 };
export const B5: Way = { destination: '192.0.2.5', last: 5 };
export const B9: Way = { destination: '192.0.2.9', last: 9 };

/** IP in IP to a backend. */
export const inIp = (frame: Uint8Array, { destination, last }: Way, more: Partial<OuterOptions> = {}): Uint8Array => {
  const inner = packetOf(frame);
  const isV6 = destination.includes(':');
  const isInnerV4 = (inner[0] as number) >>> 4 === 4;
  const mayCut = isInnerV4 && ((inner[6] as number) & 0x40) === 0;
  return outer(inner, { source: isV6 ? OUT6 : OUT4, destination, last, mayCut, ...more });
};

const hashOf = (source: string, target: string, protocol: number, ports: readonly [number, number]): bigint =>
  flowHash(
    {
      source: parseIpAddress(source) as Uint8Array,
      target: parseIpAddress(target) as Uint8Array,
      ...{ protocol, sourcePort: ports[0], targetPort: ports[1] },
    },
    SEED,
  );

const spread = (target: string, protocol = 17, ports: readonly [number, number] = UDP_PORTS) =>
  spreadOf(hashOf(target.includes(':') ? V6 : V4, target, protocol, ports));

export const label = (target: string, protocol = 17, ports: readonly [number, number] = UDP_PORTS) => ({
  label: spread(target, protocol, ports).label,
});
export const port = (target: string) => ({ sourcePort: spread(target).sourcePort });
