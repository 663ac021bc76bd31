import assert from 'node:assert/strict';
import { Level } from '../../ports.ts';
import type { TransportParameters } from '../../wire/transport-parameters.ts';
import { declaring } from '../declaring.ts';
import { address, testPorts } from '../pair.ts';
import { SeededRandom } from '../random.ts';
import { pattern, RecordingSink } from '../sinks.ts';
import { Choices } from './choices.ts';
import { frame } from './encode.ts';
import { anyPayload } from './grammar.ts';
import { check } from './holdings.ts';
import type { Scene } from './scene.ts';
import { STATES } from './states.ts';

const ALL = Object.entries(STATES).flatMap(([name, { roles, make }]) => roles.map((role) => ({ name, role, make })));

/** What a hostile peer may declare, and an odd configuration of ours. */
const CONFIGS = [
  {},
  {},
  {},
  { ackDelayExponent: 20, maxAckDelayMs: 16_383, minAckDelayUs: 0 },
  { activeConnectionIdLimit: 2, initialMaxData: 600, maxDatagramFrameSize: 0 },
  { activeConnectionIdLimit: 1000, initialMaxStreamDataBidiRemote: 11, initialMaxStreamDataUni: 11 },
  { maxIdleTimeoutMs: 500, greaseQuicBit: false },
  { maxIdleTimeoutMs: 0, ecn: false, cryptoBufferBytes: 4096 },
];

const VAST = [0, 2 ** 20, 2 ** 53, 2 ** 60, 2 ** 62 - 512];

/** What the attacker declares: legal, and at the ends of what is (RFC 9000 §18.2). */
const declaration = (c: Choices): Partial<TransportParameters> => {
  const streams = c.pick([100, 2 ** 53, 2 ** 60]);
  return {
    initialMaxData: c.pick(VAST.slice(1)),
    initialMaxStreamDataBidiLocal: c.pick(VAST),
    initialMaxStreamDataBidiRemote: c.pick(VAST.slice(1)),
    initialMaxStreamDataUni: c.pick(VAST.slice(1)),
    initialMaxStreamsBidi: streams,
    initialMaxStreamsUni: streams,
    maxIdleTimeoutMs: c.pick([0, 1000, ...VAST]),
    maxUdpPayloadSize: c.pick([65_527, 1200, 2 ** 62 - 512]),
    maxDatagramFrameSize: c.pick([65_535, 1, ...VAST]),
    activeConnectionIdLimit: c.pick([2, 5, 2 ** 62 - 512]),
    ackDelayExponent: c.pick([3, 0, 20]),
    maxAckDelayMs: c.pick([25, 1, 16_383]),
  };
};

/** Who declares what it does not go by should bear what comes of it. */
const PATIENT = { activeConnectionIdLimit: 16 };

const MOST_STEPS = 40;
const LEVELS = [Level.oneRtt, Level.initial, Level.handshake, Level.earlyData] as const;

/** Something is done, and told in words. */
type Step = (c: Choices, scene: Scene, past: Uint8Array[]) => string;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const packet: Step = (c, scene) => {
  const payload = anyPayload(c, scene);
  scene.inject(payload);
  return `packet at level ${scene.level}: ${hex(payload)}`;
};

/** A packet and others like it, each a little further on. */
const flood: Step = (c, scene) => {
  const script = c.take(20);
  const times = c.pick([10, 30, 100]);
  for (let i = 0; i < times; i++) {
    scene.shift = i;
    scene.inject(anyPayload(new Choices(script), scene, 1));
    if (i % 10 === 9) scene.wait(2000);
  }
  scene.shift = 0;
  return `${times} packets at level ${scene.level} like ${hex(anyPayload(new Choices(script), scene, 1))}`;
};

/** The application of the one who is attacked goes on with what it does. */
const application: Step = (c, { victim, told, pair }) => {
  const stream = c.below(28);
  const acts: Readonly<Record<string, () => void>> = {
    open: () => void victim.openStream(c.below(2) === 0),
    write: () => victim.write(stream, pattern(c.pick([1, 100, 3000])), c.below(4) === 0),
    reset: () => victim.reset(stream, 7),
    stop: () => victim.stopSending(stream, 7),
    datagram: () => void victim.sendDatagram(pattern(100), 0, 100),
    hold: () => {
      told.consumes = !told.consumes;
    },
    update: () => void victim.updateKeys(),
    migrate: () => void victim.migrate(address(3, 4200 + c.below(8)), pair.now),
    close: () => victim.close(7, 'bye'),
  };
  const what = c.pick([
    'open',
    'write',
    'write',
    'write',
    'reset',
    'stop',
    'datagram',
    'hold',
    'update',
    'migrate',
    'close',
  ]);
  try {
    acts[what]?.();
  } catch (error) {
    // It named a stream that does not exist, or has ended: its own mistake, told to nobody else.
    assert.equal((error as { fault?: string }).fault, 'local', String(error));
  }
  return `the application: ${what} ${stream}`;
};

const wait: Step = (c, scene) => {
  const us = c.pick([0, 1000, 30_000, 300_000, 5_000_000]);
  scene.wait(us);
  return `${us} us pass`;
};

/** Levels may come in any order, as long as there are keys. */
const level: Step = (c, scene) => {
  const chosen = c.pick(LEVELS);
  if (scene.canSeal(chosen)) scene.level = chosen;
  return `level ${scene.level}`;
};

const garbage: Step = (c, scene, past) => {
  const bytes = c.bytes(c.pick([1, 21, 40, 1200]));
  const like = past[c.below(past.length || 1)];
  if (like !== undefined) bytes.set(like.subarray(0, Math.min(bytes.length, 1 + c.below(20))));
  scene.deliver(bytes);
  return `garbage: ${hex(bytes.subarray(0, 40))}`;
};

/** The attacker's address is another one, or was rewritten on the way. */
const elsewhere: Step = (c, scene) => {
  const { pair } = scene;
  const moves = c.pick([1, 1, 8]);
  const probing = c.below(2) === 0;
  const n = c.below(12);
  if (n === 11) pair.rewriteServer = c.below(2) === 0 ? undefined : address(9, 443);
  else {
    for (let i = 0; i < moves; i++) {
      pair.clientAddress = address(2 + n + i, 4000 + n);
      scene.inject(probing ? frame(0x1a, pattern(8, i)) : frame(1));
    }
  }
  return `address ${n}, ${moves} times${probing ? ', probing' : ''}`;
};

/** The attacker's own connection, which knows how to behave, has a word or falls silent again. */
const voice: Step = (c, scene) => {
  scene.isSilent = !scene.isSilent;
  scene.isDeaf = scene.isSilent && c.below(4) === 0;
  return `silent: ${scene.isSilent}, deaf: ${scene.isDeaf}`;
};

const keys: Step = (_, { attacker }) => `the attacker updates its keys: ${attacker.updateKeys()}`;

const replay: Step = (c, scene, past) => {
  const bytes = past[c.below(past.length || 1)];
  if (bytes !== undefined) scene.deliver(bytes.slice());
  return `replay: ${hex((bytes ?? new Uint8Array()).subarray(0, 40))}`;
};

/** Numbers may be left out, as many as the encoding bears (RFC 9000 §17.1), or begin anew. */
const leap: Step = (c, scene) => {
  const { attacker, number } = scene;
  const base = number ?? attacker.parts.recovery.sent(2).nextPacketNumber;
  scene.number = Math.max(0, base + c.pick([2, 20, 4000, 2 ** 31 - 100, -3, -200]));
  return `numbers from ${scene.number} on`;
};

const STEPS: readonly Step[] = [
  ...Array<Step>(14).fill(packet),
  ...Array<Step>(2).fill(flood),
  ...Array<Step>(4).fill(application),
  ...Array<Step>(3).fill(wait),
  ...[level, level, leap, garbage, elsewhere, voice, keys, replay],
];

/** The endpoint goes on with others. */
const checkNeighbour = ({ pair }: Scene): void => {
  const sink = new RecordingSink();
  const options = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink };
  const before = pair.serverSinks.length;
  const connection = pair.client.connect(options, pair.now);
  sink.onComplete = () => connection.write(connection.openStream(true), new Uint8Array(), true);
  const arrives = () => pair.serverSinks.slice(before).some(({ finished }) => finished.has(0));
  assert.ok(pair.run(arrives, 20_000_000), 'nobody else can connect');
};

/** Appetite of an application: datagrams that it may cause by one act. */
const ASKED = 8;
const HOUR_US = 3_600_000_000;

/**
 * What the bytes say is done to a connection in one of all states, and what must hold then is checked after each step.
 *
 * @param tell hears what is done, in words
 * @throws Error when something does not hold, or the endpoint throws
 */
export const play = (bytes: Uint8Array, tell: (what: string) => void = () => {}): void => {
  const c = new Choices(bytes);
  const { name, role, make } = c.pick(ALL);
  const [ours, theirs] = [c.pick(CONFIGS), c.pick(CONFIGS)];
  const seed = 1 + c.byte();
  const lies = c.below(4) === 0 ? declaration(c) : undefined;
  tell(`${role}, ${name}; we: ${JSON.stringify(ours)}, they: ${JSON.stringify(lies ?? theirs)}`);
  const fair = testPorts(new SeededRandom(seed));
  const ports = lies === undefined ? fair : declaring(fair, role === 'server' ? 'client' : 'server', () => lies);
  const attacker = lies === undefined ? theirs : PATIENT;
  const [client, server] = role === 'server' ? [attacker, ours] : [ours, attacker];
  const scene = make(role, { seed, client, server, ports });
  const hasNeighbour = c.below(8) === 0;
  const past: Uint8Array[] = [];
  const { pair } = scene;
  pair[role === 'server' ? 'onClientSends' : 'onServerSends'] = (datagram) => {
    if (past.length < 20) past.push(datagram.bytes.slice());
  };
  let asked = 0;
  for (let steps = 0; c.left > 0 && steps < MOST_STEPS; steps++) {
    const step = c.pick(STEPS);
    if (step === application) asked += ASKED;
    tell(step(c, scene, past));
    scene.wait(2000);
    check(scene, asked);
  }
  scene.isSilent = false;
  scene.isDeaf = false;
  pair.rewriteServer = undefined;
  if (hasNeighbour) checkNeighbour(scene);
  scene.isSilent = true;
  const { maxIdleTimeoutMs } = scene.victim.parts.config;
  if (maxIdleTimeoutMs === 0 && scene.told.closes.length === 0) return;
  scene.wait(HOUR_US);
  assert.equal(scene.victim.parts.closer.phase, 'closed', 'it does not end');
  check(scene, asked + 100);
};
