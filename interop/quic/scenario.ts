import type { FaultSpec } from '#lab/link/faults.ts';
import type { Link, Shapes } from '#lab/link/link.ts';

/** What the link between client and server is like: the scenarios of the interop runner's network simulator. */
export type Scenario = {
  /** One way. */
  readonly delayMs: number;
  readonly toServer?: FaultSpec;
  readonly toClient?: FaultSpec;
  /** Carries nothing either way from one time to another, in seconds after the client's first packet. */
  readonly blackhole?: readonly [from: number, to: number];
  /** The NAT in front of the client forgets: first, and again every so many seconds. */
  readonly rebinds?: { readonly what: 'port' | 'address'; readonly first: number; readonly every: number };
};

const BITS_PER_SECOND = 10e6;
const QUEUE_PACKETS = 25;
const LOOK_MS = 10;

/** There: to the server. */
export const shapesOf = ({ delayMs, toServer = {}, toClient = {} }: Scenario): Shapes => {
  const shape = { bitsPerSecond: BITS_PER_SECOND, queuePackets: QUEUE_PACKETS, delayUs: delayMs * 1000 };
  return [
    { ...shape, ...toServer },
    { ...shape, ...toClient },
  ];
};

/** What happens on the link once the client has sent something; its time begins then. @returns ends it */
export const enact = (link: Link, scenario: Scenario): (() => void) => {
  const { blackhole, rebinds } = scenario;
  const timers: NodeJS.Timeout[] = [];
  const after = (seconds: number, act: () => void): void => void timers.push(setTimeout(act, seconds * 1000));
  const begin = (): void => {
    if (blackhole !== undefined) {
      const dead = { drop: 1 };
      after(blackhole[0], () => link.change(shapesOf({ ...scenario, toServer: dead, toClient: dead })));
      after(blackhole[1], () => link.change(shapesOf(scenario)));
    }
    if (rebinds === undefined) return;
    const { what, first, every } = rebinds;
    const rebind = (): void => {
      link.rebind(what);
      after(every, rebind);
    };
    after(first, rebind);
  };
  const look = async (): Promise<void> => {
    const [{ bytes }] = await link.report(0, Number.MAX_SAFE_INTEGER);
    if (Object.keys(bytes).some((sender) => sender.startsWith('udp/'))) {
      await link.begin();
      begin();
    } else after(LOOK_MS / 1000, again);
  };
  // A link that has ended says so to whoever waits for it.
  const again = (): void => void look().catch(() => {});
  again();
  return () => {
    for (const timer of timers) clearTimeout(timer);
    timers.length = 0;
  };
};
