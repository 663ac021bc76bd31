import type { BpfMap } from '#host/bpf/map.ts';
import type { Front } from '../front.ts';
import { Carried, Choice } from '../gen/front.ts';
import type { ConnectionCount } from './connections.ts';

export interface BackendStatus {
  readonly address: string;
  readonly state: 'up' | 'draining' | 'down';
  readonly weight: number;
  /** In the table. */
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface ServiceStatus {
  readonly service: string;
  readonly packets: number;
  readonly bytes: number;
  readonly backends: readonly BackendStatus[];
}

export type Choices = Readonly<Record<keyof typeof Choice, number>>;

/** What `cloudbridge xdp status` shows of the balancer. */
export interface BalanceStatus {
  readonly services: readonly ServiceStatus[];
  readonly connections: Omit<ConnectionCount, 'byBackend'>;
  /** Packets by why they went where they went. */
  readonly choices: Choices;
}

const keyOf = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer);

/** Of all CPUs. */
export const carriedOf = (map: BpfMap, number: number): { readonly packets: number; readonly bytes: number } => {
  const values = new Uint8Array(map.valueBytes);
  map.lookup(keyOf(number), values);
  let [packets, bytes] = [0, 0];
  for (let at = 0; at < values.length; at += Carried.bytes) {
    const one = Carried.read(values, at);
    packets += one.packets;
    bytes += one.bytes;
  }
  return { packets, bytes };
};

export const choicesOf = (front: Pick<Front, 'map'>): Choices => {
  const map = front.map('choices');
  const values = new BigUint64Array(map.valueBytes / 8);
  const entries = Object.entries(Choice).map(([name, number]) => {
    map.lookup(keyOf(number), new Uint8Array(values.buffer));
    return [name, Number(values.reduce((sum, value) => sum + value, 0n))];
  });
  return Object.fromEntries(entries) as Choices;
};
