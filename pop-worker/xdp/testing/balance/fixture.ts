import { type PacketOptions, tcp } from '#protocol/ip/testing/packets.ts';
import type { CounterName } from '../../front.ts';
import { ip } from '../frames.ts';

/** A frame, and what the balancer makes of it; where nothing is said it stays as it is. */
export interface BalanceFixture {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly counted: CounterName;
  readonly out?: Uint8Array;
}

export const row = (name: string, frame: Uint8Array, counted: CounterName, out?: Uint8Array): BalanceFixture => ({
  ...{ name, frame, counted },
  ...(out && { out }),
});

/** @param make of a frame what is expected */
export const each = (
  rows: readonly (readonly [name: string, frame: Uint8Array])[],
  make: (frame: Uint8Array) => Uint8Array,
): BalanceFixture[] => rows.map(([name, frame]) => row(name, frame, 'balanced', make(frame)));

// Of who calls, and of the services that most fixtures are about.
export const V4 = '10.64.0.2';
export const V6 = '2001:db8::2';
export const S1 = '203.0.113.10';
export const S6 = '2001:db8:1::1';

export const to = (destination: string, more: PacketOptions = {}): Uint8Array =>
  ip({ source: destination.includes(':') ? V6 : V4, destination, ...more });

export const SYN = { protocol: 6, payload: tcp({ flags: 2 }) } as const;

/** Source and destination, as `udp` and `tcp` of the fixtures have them. */
export const UDP_PORTS = [5000, 53] as const;
export const TCP_PORTS = [40000, 443] as const;
