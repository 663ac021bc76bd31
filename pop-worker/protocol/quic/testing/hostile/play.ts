import assert from 'node:assert/strict';
import type { TransportParameters } from '../../wire/transport-parameters.ts';
import { declaring } from '../declaring.ts';
import { testPorts } from '../pair.ts';
import { SeededRandom } from '../random.ts';
import { RecordingSink } from '../sinks.ts';
import { Choices } from './choices.ts';
import { check } from './holdings.ts';
import type { Scene } from './scene.ts';
import { STATES } from './states.ts';
import { application, STEPS } from './steps.ts';

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
