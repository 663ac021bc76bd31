import type { AnycastEdge } from './edge.ts';

const MS = 1000;

/** Something that happens to an edge. */
export type Fault = (edge: AnycastEdge) => void;

const anyOf = (edge: AnycastEdge): number => edge.members[edge.random.below(edge.members.length)] as number;
const twoOf = (edge: AnycastEdge): [number, number] => {
  const one = anyOf(edge);
  for (;;) {
    const other = anyOf(edge);
    if (other !== one) return [one, other];
  }
};
const between = (edge: AnycastEdge, leastMs: number, mostMs: number): number =>
  MS * (leastMs + edge.random.next() * (mostMs - leastMs));

/** The process is killed and starts anew with no memory. */
const kill: Fault = (edge) => {
  const member = anyOf(edge);
  const { isDown, isStopped } = edge.network.node(member);
  if (!isDown && !isStopped) edge.kill(member, between(edge, 1500, 4000));
};

/** SIGSTOP and SIGCONT, or a virtual machine that pauses. */
const stop: Fault = (edge) => {
  const member = anyOf(edge);
  const { isDown, isStopped } = edge.network.node(member);
  if (!isDown && !isStopped) edge.stop(member, between(edge, 50, 1500));
};

/** The data plane of a worker is stuck; its other threads are not. */
const wedge: Fault = (edge) => edge.wedge(anyOf(edge), between(edge, 300, 2000));

/** The data plane of one worker is stuck again and again, as often as it is announced. */
const flutter: Fault = (edge) => {
  const member = anyOf(edge);
  for (let turn = 0; turn < 5; turn++) edge.later(turn * 2600 * MS, () => edge.wedge(member, 450 * MS));
};

/** A worker is up, and the control plane hears it, but it is dead on the wire. */
const cutOff: Fault = (edge) => edge.cutOff(anyOf(edge), between(edge, 1000, 5000));

/** Sessions of a PoP are asked to go elsewhere, and it comes back. */
const drain: Fault = (edge) => edge.drain(anyOf(edge), between(edge, 1500, 4000));

/** The mesh falls apart in two; what clients use goes on. */
const fallApart = (edge: AnycastEdge, leastMs: number, mostMs: number): void => {
  const here = edge.members.filter(() => edge.random.next() < 0.5);
  edge.network.partition(
    here,
    edge.members.filter((member) => !here.includes(member)),
  );
  edge.later(between(edge, leastMs, mostMs), () => edge.network.heal());
};

const partition: Fault = (edge) => fallApart(edge, 300, 2500);

/** For so long that QUIC gives its connections up. */
const split: Fault = (edge) => fallApart(edge, 4500, 6500);

/** One worker reaches no other. */
const isolate: Fault = (edge) => {
  const alone = anyOf(edge);
  edge.network.partition(
    [alone],
    edge.members.filter((member) => member !== alone),
  );
  edge.later(between(edge, 300, 2500), () => edge.network.heal());
};

/** No worker reaches any other. */
const darkness: Fault = (edge) => {
  edge.network.partition(...edge.members.map((member) => [member]));
  edge.later(between(edge, 500, 2500), () => edge.network.heal());
};

/** Single links fail again and again, some one way only. */
const flap: Fault = (edge) => {
  for (let i = 0; i < edge.members.length; i++) {
    const [a, b] = [anyOf(edge), anyOf(edge)];
    if (a === b) continue;
    const ways = edge.random.next() < 0.3 ? [edge.network.way(a, b)] : [edge.network.way(a, b), edge.network.way(b, a)];
    for (let turn = 0; turn < 3; turn++) {
      const at = turn * 600 * MS;
      edge.later(at, () => {
        for (const way of ways) way.cut = true;
      });
      edge.later(at + between(edge, 50, 500), () => {
        for (const way of ways) way.cut = false;
      });
    }
  }
};

/** Links fail in one direction, for longer than QUIC takes to give them up. */
const oneWay: Fault = (edge) => {
  for (let i = 0; i < edge.members.length; i++) {
    const way = edge.network.way(...twoOf(edge));
    way.cut = true;
    edge.later(between(edge, 500, 5000), () => {
      way.cut = false;
    });
  }
};

/** Single links lose a fifth of what they carry. */
const lose: Fault = (edge) => {
  for (let i = 0; i < edge.members.length; i++) {
    const way = edge.network.way(anyOf(edge), anyOf(edge));
    way.loss = 0.2;
    edge.later(between(edge, 500, 3000), () => {
      way.loss = 0;
    });
  }
};

/** Networks lead clients elsewhere for a while, though the PoP is there. */
const reroute: Fault = (edge) => {
  const member = anyOf(edge);
  for (let region = 0; region < 4; region++) {
    edge.routing.lose(region, member, between(edge, 200, 2000));
  }
};

/** By name. */
export const FAULTS = {
  kill,
  stop,
  wedge,
  cutOff,
  flutter,
  drain,
  partition,
  split,
  isolate,
  darkness,
  flap,
  oneWay,
  lose,
  reroute,
} as const;
export type FaultName = keyof typeof FAULTS;
