import { pair } from '../scene.ts';

export type HostName = 'a' | 'b';

/** Packets that a host's users send: one every so often from a time on until another. */
interface Flow {
  readonly host: HostName;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly everyMs: number;
}

/** Messages of a host that are lost between two times: of a type (0: of any), and so many at most (0: all). */
interface Loss {
  readonly host: HostName;
  readonly type: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly most: number;
}

/** Two hosts, of which `a` knows where the other is; datagrams take no time. */
export interface Scenario {
  readonly name: string;
  readonly keepaliveS: Partial<Record<HostName, number>>;
  readonly lastsMs: number;
  readonly flows: readonly Flow[];
  readonly lost: readonly Loss[];
}

/** A message that was sent: its type, or 5 for a keepalive. */
export interface TraceEvent {
  readonly atMs: number;
  readonly host: HostName;
  readonly type: number;
}

/** What was sent but for data, of which the messages are counted, and packets that came out of the tunnel. */
export interface Trace {
  readonly name: string;
  readonly events: readonly TraceEvent[];
  readonly data: Partial<Record<HostName, number>>;
  readonly taken: Partial<Record<HostName, number>>;
}

const DATA = 4;
const KEEPALIVE = 5;
const KEEPALIVE_BYTES = 32;

const typeOf = ({ length, [0]: type = 0 }: Uint8Array): number =>
  type === DATA && length === KEEPALIVE_BYTES ? KEEPALIVE : type;

/** Has our core act out a scenario. */
export const act = ({ name, keepaliveS, lastsMs, flows, lost }: Scenario): Trace => {
  const { scene, a, b, toB, toA } = pair();
  const nameOf = (host: typeof a): HostName => (host === a ? 'a' : 'b');
  const taken = lost.map(() => 0);
  scene.filter = ({ bytes }, host) => {
    const atMs = scene.now / 1000;
    const i = lost.findIndex(
      (loss, i) =>
        loss.host === nameOf(host) &&
        (loss.type === 0 || loss.type === typeOf(bytes)) &&
        atMs >= loss.fromMs &&
        atMs < loss.untilMs &&
        (loss.most === 0 || (taken[i] as number) < loss.most),
    );
    if (i >= 0) taken[i] = (taken[i] as number) + 1;
    return i < 0;
  };
  a.core.setPersistentKeepalive(toB, keepaliveS.a ?? 0);
  b.core.setPersistentKeepalive(toA, keepaliveS.b ?? 0);
  const packets = flows
    .flatMap(({ host, fromMs, untilMs, everyMs }) =>
      Array.from({ length: Math.ceil((untilMs - fromMs) / everyMs) }, (_, i) => ({ host, atMs: fromMs + i * everyMs })),
    )
    .toSorted((one, other) => one.atMs - other.atMs);
  for (const { host, atMs } of packets) {
    scene.run(atMs * 1000 - scene.now);
    if (host === 'a') scene.send(a, b);
    else scene.send(b, a);
  }
  scene.run(lastsMs * 1000 - scene.now);
  const sent = scene.log.map(({ at, host, bytes }) => ({ atMs: at / 1000, host: nameOf(host), type: typeOf(bytes) }));
  const countOf = (host: HostName) => sent.filter((event) => event.type === DATA && event.host === host).length;
  return {
    name,
    events: sent.filter(({ type }) => type !== DATA),
    data: { a: countOf('a'), b: countOf('b') },
    taken: { a: a.received.length, b: b.received.length },
  };
};
