import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { DesiredState } from '#control/desired-state.ts';
import { WireguardPeers } from '#control/wireguard-peers.ts';
import { PeerRoll } from '#pop-worker/peer-roll.ts';
import { type WireguardPeer, WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { Measurement } from '#telemetry/measurement.ts';
import { PeerThreads } from './peer-threads.ts';
import { StandStill } from './stand-still.ts';

const PEERS = 20_000;
const THREADS = 2;
const CHANGES = 20;
/** Changes are gathered for 50 ms; what one costs is over by then. */
const CHANGE_MS = 150;
const LIMIT_MS = 60_000;

const record = (i: number, keepaliveSeconds: number, publicKey: Uint8Array): WireguardPeer =>
  create(WireguardPeerSchema, {
    ...{ tenant: 'acme', device: `d${i}`, network: 'n', number: i + 1, publicKey, keepaliveSeconds },
    ...{ ipv4Address: `10.64.${i >> 8}.${i & 255}`, ipv6Address: `fd00::${(i + 1).toString(16)}` },
  });

/** The longest stand-still of the thread that judges records, and of those that have the peers, in milliseconds. */
type Longest = Readonly<Record<'main' | 'thread', number>>;

const figures = (first: Longest, changes: readonly Longest[]): Measurement[] =>
  (['main', 'thread'] as const).flatMap((of) => {
    const each = changes.map((change) => change[of]).toSorted((a, b) => a - b);
    const [min, max] = [each[0] as number, each.at(-1) as number];
    return [
      { metric: `first_state_${of}`, value: first[of], unit: 'ms' },
      { metric: `one_change_${of}`, value: each[each.length >> 1] as number, unit: 'ms', runs: each.length, min, max },
    ];
  });

/**
 * A worker's records of 20,000 WireGuard peers, from the desired state to the cores of two data-plane threads: all of them at
 * first, then one change after the other.
 */
export const peerChanges = async (): Promise<Measurement[]> => {
  const privateKey = new Uint8Array(randomBytes(32));
  const state = new DesiredState();
  const keys = Array.from({ length: PEERS }, () => new Uint8Array(randomBytes(32)));
  for (const [i, key] of keys.entries()) state.setPeer('acme', `d${i}`, record(i, 25, key));
  const threads = new PeerThreads(THREADS, privateKey);
  const roll = new PeerRoll({
    ...{ most: PEERS, threads: THREADS, ownsKeys: false },
    post: (thread, peers) => threads.post(thread, peers),
  });
  const peers = new WireguardPeers({
    ...{ state, keys: { privateKey }, told: (change) => roll.take(change) },
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
  const standStill = new StandStill();
  const measure = async (act: () => Promise<void>): Promise<Longest> => {
    await threads.ask();
    standStill.take();
    threads.longestMs = 0;
    await act();
    await threads.ask();
    return { main: standStill.take(), thread: threads.longestMs };
  };
  try {
    const first = await measure(async () => {
      await peers.start();
      for (const end = performance.now() + LIMIT_MS; (await threads.ask()) < PEERS; await wait(50))
        if (performance.now() > end) throw new Error(`after ${LIMIT_MS} ms not all peers are there`);
    });
    const changes: Longest[] = [];
    for (const [i, key] of keys.slice(0, CHANGES).entries()) {
      const change = async (): Promise<void> => {
        state.setPeer('acme', `d${i}`, record(i, 20, key));
        await wait(CHANGE_MS);
      };
      changes.push(await measure(change));
    }
    return figures(first, changes);
  } finally {
    standStill.close();
    await peers.close();
    await threads.close();
  }
};
