import { address, tcp } from '#protocol/ip/testing/packets.ts';
import { changed, ip, word } from './frames.ts';
import type { Flow } from './model.ts';

export interface TcpFlow {
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
}

const FRAMES = new Map<string, Uint8Array>();

/** A TCP segment to port 443; its checksum is not right, which the balancer leaves to others. @param flags of TCP */
export const segment = ({ source, target, sourcePort }: TcpFlow, flags = 2): Uint8Array => {
  const isV6 = source.includes(':');
  const name = `${isV6} ${flags}`;
  const made = FRAMES.get(name) ?? ip({ source, destination: target, protocol: 6, payload: tcp({ flags }) });
  FRAMES.set(name, made);
  const [at, ports] = isV6 ? [8, 40] : [12, 20];
  return changed(made, { [at]: [...address(source), ...address(target)], [ports]: word(sourcePort) });
};

export const flowOf = ({ source, target, sourcePort }: TcpFlow): Flow => ({
  ...{ source: address(source), target: address(target), protocol: 6, sourcePort, targetPort: 443 },
});

/** Whose the outer packet is: last byte of the address that it goes to. IPv4 in IPv4 or IPv6 in IPv6 */
export const wentTo = (packet: Uint8Array): number => packet[packet[12] === 8 ? 33 : 53] as number;
