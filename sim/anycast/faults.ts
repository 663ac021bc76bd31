import type { Pops } from './pops.ts';
import type { Stage } from './stage.ts';

const MS = 1000;

/** Something that happens to an edge. */
export type Fault = (stage: Stage, pops: Pops) => void;

const anyOf = (stage: Stage): number => stage.members[stage.random.below(stage.members.length)] as number;
const twoOf = (stage: Stage): [number, number] => {
  const one = anyOf(stage);
  for (;;) {
    const other = anyOf(stage);
    if (other !== one) return [one, other];
  }
};
const between = (stage: Stage, leastMs: number, mostMs: number): number =>
  MS * (leastMs + stage.random.next() * (mostMs - leastMs));

/** The process is killed and starts anew with no memory. */
const kill: Fault = (stage, pops) => {
  const member = anyOf(stage);
  const { isDown, isStopped } = stage.network.node(member);
  if (!isDown && !isStopped) pops.kill(member, between(stage, 1500, 4000));
};

/** SIGSTOP and SIGCONT, or a virtual machine that pauses. */
const stop: Fault = (stage, pops) => {
  const member = anyOf(stage);
  const { isDown, isStopped } = stage.network.node(member);
  if (!isDown && !isStopped) pops.stop(member, between(stage, 50, 1500));
};

/** The data plane of a worker is stuck; its other threads are not. */
const wedge: Fault = (stage, pops) => pops.wedge(anyOf(stage), between(stage, 300, 2000));

/** The data plane of one worker is stuck again and again, as often as it is announced. */
const flutter: Fault = (stage, pops) => {
  const member = anyOf(stage);
  for (let turn = 0; turn < 5; turn++) stage.later(turn * 2600 * MS, () => pops.wedge(member, 450 * MS));
};

/** A worker is up, and the control plane hears it, but it is dead on the wire. */
const cutOff: Fault = (stage, pops) => pops.cutOff(anyOf(stage), between(stage, 1000, 5000));

/** Sessions of a PoP are asked to go elsewhere, and it comes back. */
const drain: Fault = (stage, pops) => pops.drain(anyOf(stage), between(stage, 1500, 4000));

/** The mesh falls apart in two; what clients use goes on. */
const fallApart = (stage: Stage, leastMs: number, mostMs: number): void => {
  const here = stage.members.filter(() => stage.random.next() < 0.5);
  stage.network.partition(
    here,
    stage.members.filter((member) => !here.includes(member)),
  );
  stage.later(between(stage, leastMs, mostMs), () => stage.network.heal());
};

const partition: Fault = (stage) => fallApart(stage, 300, 2500);

/** For so long that QUIC gives its connections up. */
const split: Fault = (stage) => fallApart(stage, 4500, 6500);

/** One worker reaches no other. */
const isolate: Fault = (stage) => {
  const alone = anyOf(stage);
  stage.network.partition(
    [alone],
    stage.members.filter((member) => member !== alone),
  );
  stage.later(between(stage, 300, 2500), () => stage.network.heal());
};

/** No worker reaches any other. */
const darkness: Fault = (stage) => {
  stage.network.partition(...stage.members.map((member) => [member]));
  stage.later(between(stage, 500, 2500), () => stage.network.heal());
};

/** Single links fail again and again, some one way only. */
const flap: Fault = (stage) => {
  for (let i = 0; i < stage.members.length; i++) {
    const [a, b] = [anyOf(stage), anyOf(stage)];
    if (a === b) continue;
    const ways =
      stage.random.next() < 0.3 ? [stage.network.way(a, b)] : [stage.network.way(a, b), stage.network.way(b, a)];
    for (let turn = 0; turn < 3; turn++) {
      const at = turn * 600 * MS;
      stage.later(at, () => {
        for (const way of ways) way.cut = true;
      });
      stage.later(at + between(stage, 50, 500), () => {
        for (const way of ways) way.cut = false;
      });
    }
  }
};

/** Links fail in one direction, for longer than QUIC takes to give them up. */
const oneWay: Fault = (stage) => {
  for (let i = 0; i < stage.members.length; i++) {
    const way = stage.network.way(...twoOf(stage));
    way.cut = true;
    stage.later(between(stage, 500, 5000), () => {
      way.cut = false;
    });
  }
};

/** Single links lose a fifth of what they carry. */
const lose: Fault = (stage) => {
  for (let i = 0; i < stage.members.length; i++) {
    const way = stage.network.way(anyOf(stage), anyOf(stage));
    way.loss = 0.2;
    stage.later(between(stage, 500, 3000), () => {
      way.loss = 0;
    });
  }
};

/** Networks lead clients elsewhere for a while, though the PoP is there. */
const reroute: Fault = (stage) => {
  const member = anyOf(stage);
  for (let region = 0; region < 4; region++) {
    stage.routing.lose(region, member, between(stage, 200, 2000));
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
