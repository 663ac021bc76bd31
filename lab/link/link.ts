import { fork } from 'node:child_process';
import { once } from 'node:events';
import { configureTun } from '#host/tun/configure.ts';
import { LabError } from '../errors.ts';
import { listNamespaces } from '../namespaces.ts';
import type { LinkReport } from './record.ts';
import type { Shape } from './shaper.ts';

/** What each direction does: from the first end to the second, and back. */
export type Shapes = readonly [there: Shape, back: Shape];

/** Names of network namespaces. */
export type Ends = readonly [near: string, far: string];

/** What the relay is told first, and then. */
export type LinkOrder = Pick<LinkSpec, 'ends' | 'device' | 'shapes' | 'captures'>;
export type LinkRequest =
  | { readonly begin: true }
  | { readonly rebind: 'port' | 'address' }
  | { readonly report: readonly [from: number, to: number] }
  | { readonly shapes: Shapes };

export interface LinkSpec {
  readonly ends: Ends;
  /** The name of the TUN in both. */
  readonly device: string;
  /** `address/prefix` of each end, one or several. */
  readonly addresses: readonly [near: string | readonly string[], far: string | readonly string[]];
  readonly mtu: number;
  readonly shapes: Shapes;
  /** pcap files for what either end sends and receives; they are whole once the link is closed. */
  readonly captures?: readonly [near: string, far: string];
}

/** A link between two network namespaces with a rate, a delay, a queue and faults; a process of its own carries it. */
export interface Link {
  /** From now on it is like this. */
  change(shapes: Shapes): void;
  /**
   * A NAT in front of the near end forgets: its UDP comes from other ports from now on, and old ones lead nowhere.
   *
   * @param what `address`: from another address of its prefix too
   */
  rebind(what?: 'port' | 'address'): void;
  /** Forgets what went through so far; time begins. */
  begin(): Promise<void>;
  /** What went through, there and back, between two times in seconds. */
  report(from: number, to: number): Promise<readonly [LinkReport, LinkReport]>;
  /** Both TUNs are gone afterwards. */
  close(): Promise<void>;
}

/** Makes a link and both its ends ready for use. Needs root. */
export const openLink = async ({ ends, device, addresses, mtu, shapes, captures }: LinkSpec): Promise<Link> => {
  const missing = ends.find((namespace) => !listNamespaces().includes(namespace));
  if (missing !== undefined) throw new LabError(`No such network namespace: ${missing}. \`ip netns list\` has them.`);
  const child = fork(new URL('relay.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  const failed = gone.then(([code]) => {
    throw new LabError(`The relay of the link between ${ends.join(' and ')} ended with ${code}.`);
  });
  failed.catch(() => {});
  const answer = async (): Promise<Record<string, unknown>> =>
    (await Promise.race([once(child, 'message'), failed]))[0] as Record<string, unknown>;
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await gone;
  };
  try {
    const order: LinkOrder = { ends, device, shapes, ...(captures && { captures }) };
    child.send(order);
    await answer();
    for (const [i, namespace] of ends.entries()) {
      configureTun(device, { mtu, addresses: [addresses[i] ?? []].flat(), up: true, namespace });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const ask = (request: LinkRequest): Promise<Record<string, unknown>> => {
    const answered = answer();
    child.send(request);
    return answered;
  };
  return {
    change: (next) => void child.send({ shapes: next }),
    rebind: (what = 'port') => void child.send({ rebind: what }),
    begin: async () => void (await ask({ begin: true })),
    report: async (from, to) => (await ask({ report: [from, to] }))['reports'] as readonly [LinkReport, LinkReport],
    close,
  };
};
