import { setTimeout as wait } from 'node:timers/promises';
import { type Host, type Pair, withPair } from '#bench/harness/network.ts';
import type { WatchedThread } from '#host/thread/beats.ts';
import { runCommand } from '#lab/command.ts';
import { BfdThread } from '#pop-worker/routing/bfd/bfd-thread.ts';
import type { BfdChange } from '#pop-worker/routing/bfd/messages.ts';
import type { BfdSessionConfig } from '#pop-worker/routing/bfd/setup.ts';
import type { ThreadSession } from '#pop-worker/routing/bfd/thread-session.ts';
import { State } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';
import { type Bird, type BirdSession, birdSessions, TIME_FORMAT, withBird } from '../implementations/bird.ts';

export const LINK_MTU = 1500;
export const DEVICE = 'veth0';
const LIMIT_MS = 10_000;
/** Between looks at BIRD, each of which is a program. */
const LOOK_MS = 5;
export const MULTIPLIER = 3;
export const INTERVAL_MS = 50;

/** Both ends' addresses: BIRD is the server, we are the client. */
export const FOUR = { server: '192.0.2.1', client: '192.0.2.2' } as const;
export const SIX = { server: '2001:db8::1', client: '2001:db8::2' } as const;

/** `withPair` takes IPv6 off. */
const giveIpv6 = async ({ namespace }: Host, address: string): Promise<void> => {
  const on = 'for name in default all veth0; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done';
  await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', on]);
  await runCommand('ip', ['-n', namespace, 'address', 'add', `${address}/64`, 'dev', DEVICE, 'nodad']);
};

export const timingOf = (
  intervalMs: number,
): Pick<BfdSessionConfig, 'desiredMinTxUs' | 'requiredMinRxUs' | 'detectMult'> => ({
  desiredMinTxUs: intervalMs * 1000,
  requiredMinRxUs: intervalMs * 1000,
  detectMult: MULTIPLIER,
});

export const birdTiming = (intervalMs: number): string =>
  `min rx interval ${intervalMs} ms; min tx interval ${intervalMs} ms; multiplier ${MULTIPLIER};`;

/** @param interfaceOptions of all its sessions @param neighbours its statements */
export const birdConfiguration = (interfaceOptions: string, neighbours: readonly string[]): string =>
  [
    'router id 192.0.2.1;',
    TIME_FORMAT,
    'protocol device {}',
    'protocol bfd {',
    `  interface "${DEVICE}" { ${interfaceOptions} };`,
    `  multihop { ${interfaceOptions} };`,
    ...neighbours.map((neighbour) => `  neighbor ${neighbour};`),
    '}',
  ].join('\n');

/** A session of ours, and what the main thread was told of it. */
export class Ours {
  readonly changes: BfdChange[] = [];
  readonly session: ThreadSession;
  #refusal: string | undefined;

  constructor(thread: BfdThread, config: BfdSessionConfig) {
    this.session = thread.open(config, {
      changed: (change) => this.changes.push(change),
      refused: (message) => {
        this.#refusal = message;
      },
      unopened: (message) => {
        this.#refusal = message;
      },
    });
  }

  stat(name: keyof typeof Stat): number {
    if (this.#refusal !== undefined) throw new Error(this.#refusal);
    return this.session.stats?.[Stat[name] as number] ?? Number.NaN;
  }

  is(state: State): boolean {
    return this.stat('state') === state;
  }
}

export const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${LIMIT_MS / 1000} s in vain: ${what}.`);
    await wait(LOOK_MS);
  }
};

export const sessionWith = async (bird: Bird, address: string): Promise<BirdSession | undefined> =>
  (await birdSessions(bird)).find((session) => session.address === address);

/** Both say Up. BIRD is the server of the pair, we are the client. */
export const bothUp = (bird: Bird, ours: Ours, address: string): Promise<void> =>
  until('both are Up', async () => ours.is(State.up) && (await sessionWith(bird, address))?.state === 'Up');

export const fail = (text: string): never => {
  throw new Error(text);
};

interface Scene {
  readonly bird: Bird;
  readonly pair: Pair;
  /** The BFD thread's counters (`telemetry/slots.ts`). */
  readonly slots: Float64Array;
  open(config: Partial<BfdSessionConfig>): Ours;
}

/** BIRD on one side of a link and our thread on the other. */
export const withScene = <T>(
  configuration: string,
  work: (scene: Scene) => Promise<T>,
  watched: readonly WatchedThread[] = [],
): Promise<T> =>
  withPair(LINK_MTU, async (pair) => {
    await giveIpv6(pair.server, SIX.server);
    await giveIpv6(pair.client, SIX.client);
    return withBird(pair.server.namespace, configuration, async (bird) => {
      const options = { watched, priority: 10, namespace: `/run/netns/${pair.client.namespace}` };
      const thread = new BfdThread(options, { gone: fail, held: () => {} });
      const base = {
        ...timingOf(INTERVAL_MS),
        local: pair.client.address,
        remote: pair.server.address,
        multiHop: false,
      };
      try {
        await thread.ready;
        return await work({
          bird,
          pair,
          slots: thread.slots,
          open: (config) => new Ours(thread, { ...base, ...config }),
        });
      } finally {
        await thread.stop();
      }
    });
  });

export const wantDetectionTime = async (bird: Bird, ours: Ours, address: string, ms: number): Promise<void> => {
  await until(`both have ${ms} ms`, async () => {
    const theirs = await sessionWith(bird, address);
    return ours.stat('detectionTimeUs') === ms * 1000 && theirs?.timeoutSeconds === ms / 1000;
  });
};

/** BIRD's part of one session of each family. */
export const plain = birdConfiguration(birdTiming(INTERVAL_MS), [
  `${FOUR.client} dev "${DEVICE}" local ${FOUR.server}`,
  `${SIX.client} dev "${DEVICE}" local ${SIX.server}`,
]);
