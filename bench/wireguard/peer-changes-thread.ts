import { parentPort, workerData } from 'node:worker_threads';
import { Faults } from '#dataplane/faults.ts';
import { Carriers } from '#dataplane/forward/carriers.ts';
import { Forwarder } from '#dataplane/forward/forwarder.ts';
import { TenantTable } from '#dataplane/forward/tenant-table.ts';
import type { TunPort } from '#dataplane/tun-port.ts';
import { EdgeWireGuard } from '#dataplane/wireguard/edge-wireguard.ts';
import type { ThreadPeers } from '#dataplane/wireguard/thread-peers.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { StandStill } from './stand-still.ts';

/** What the thread is told; `ask` answers with its peers, and its longest stand-still since it was asked last. */
export type PeerThreadCommand = { readonly type: 'peers'; readonly peers: ThreadPeers } | { readonly type: 'ask' };
export interface PeerThreadAnswer {
  readonly peers: number;
  readonly longestMs: number;
}

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const { index, threads, privateKey } = workerData as { index: number; threads: number; privateKey: Uint8Array };
const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
tenants.defineTenant('acme', [prefix('10.64.0.0/10')]);
const forwarder = new Forwarder({
  ...{ tenants, egress: { add: () => true }, router4: Uint8Array.of(192, 0, 2, 1), router6: new Uint8Array(16) },
  refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
});
const edge: EdgeWireGuard = new EdgeWireGuard({
  setup: { port: 51_820, privateKey, mtu: 1420, mostPeers: 20_000, handshakesASecond: 1000 },
  ...{ socket: UdpSocket.open({ address: '127.0.0.1', port: 0 }), tenants, forwarder, faults: new Faults(() => {}) },
  // No packet comes.
  ...{ tunPort: {} as TunPort, handoff: undefined, others: undefined, index, threads, settles: true },
  ...{ admission: { objection: () => undefined }, notify: () => {}, endFor: () => {}, mayRun: () => true },
  afterTurn: () => edge.run(),
});
const standStill = new StandStill();
/** Once this turn of the event loop is over, and counted. */
const answer = (): void => {
  const { peerCount: peers } = edge.core;
  parentPort?.postMessage({ peers, longestMs: standStill.take() } satisfies PeerThreadAnswer);
};
parentPort?.on('message', (command: PeerThreadCommand) => {
  if (command.type === 'peers') edge.changePeers(command.peers);
  else setImmediate(answer);
});
