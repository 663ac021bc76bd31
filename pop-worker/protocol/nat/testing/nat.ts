import { checksum, writeWord } from '#protocol/ip/checksum.ts';
import { type PacketOptions, packet } from '#protocol/ip/testing/packets.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import { Nat44, type NatOptions } from '../nat.ts';
import { Pool } from '../pool.ts';
import type { FlowFields } from '../told-session.ts';

export const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

/** The same bytes in each run. */
export const countingRandom = () => {
  let n = 1;
  return {
    fill: (bytes: Uint8Array): void => {
      for (let i = 0; i < bytes.length; i++) {
        n = (Math.imul(n, 1103515245) + 12345) >>> 0;
        bytes[i] = n >>> 16;
      }
    },
  };
};

/** A translator with two devices, at the first two blocks of 64 ports. */
export const scene = (options: Partial<NatOptions> = {}) => {
  const pool = new Pool([prefix('203.0.113.16/28')], 64);
  const told: (FlowFields & { owner: number })[] = [];
  const nat = new Nat44({
    ...{ pool, random: countingRandom(), tell: (owner, flow) => told.push({ ...flow, owner }) },
    ...options,
  });
  const [one, other] = [nat.owners.open(0), nat.owners.open(1)];
  return { pool, nat, told, one, other };
};

export interface Ends extends PacketOptions {
  readonly from?: number;
  readonly to?: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
}

/** A packet between two ports; of ICMP `from` is the identifier and `to` the type. */
export const between = ({
  from = 40_000,
  to = 443,
  flags = 0x10,
  data = Uint8Array.of(1, 2, 3),
  ...rest
}: Ends): Uint8Array => {
  const protocol = rest.protocol ?? Protocol.tcp;
  const headBytes = protocol === Protocol.tcp ? 20 : 8;
  const payload = new Uint8Array(headBytes + data.length);
  payload.set(data, headBytes);
  if (protocol === Protocol.icmp) {
    payload[0] = to;
    writeWord(payload, 4, from);
    writeWord(payload, 2, checksum(payload, 0, payload.length));
  } else {
    writeWord(payload, 0, from);
    writeWord(payload, 2, to);
  }
  if (protocol === Protocol.tcp) {
    payload[12] = 0x50;
    payload[13] = flags;
  }
  if (protocol === Protocol.udp) writeWord(payload, 4, payload.length);
  return packet({ ...rest, payload, protocol });
};

export const viewOf = (bytes: Uint8Array): IpView => {
  const view = new IpView();
  const fault = view.parse(bytes, 0, bytes.length);
  if (fault !== IpFault.none) throw new Error(`no packet: ${fault}`);
  return view;
};
