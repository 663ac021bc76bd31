import assert from 'node:assert/strict';
import type { Connection } from '../../connection.ts';
import { TransportError } from '../../errors.ts';
import { Version } from '../../wire/packet/version.ts';
import { address, type PairOptions } from '../pair.ts';
import { pattern } from '../sinks.ts';
import { begun, halfBegun, inEarlyData, inHandshake, open, retried, unconfirmed, until } from './handshakes.ts';
import type { Verdict } from './rows.ts';
import { type Role, Scene } from './scene.ts';

/** A state that an attack may find a connection in. */
export interface State {
  /** Who may be in it. */
  readonly roles: readonly Role[];
  readonly phase: 'open' | 'closing' | 'draining';
  readonly make: (role: Role, options: PairOptions) => Scene;
  /** Rows of `ROWS` that end otherwise here, by name. */
  readonly differs: Readonly<Record<string, Verdict>>;
}

const NOTHING = new Uint8Array();
const SHORT_US = 100_000;

/** Nothing is on its way, and only the injector speaks from now on. */
const established = (role: Role, options: PairOptions): Scene => {
  const scene = new Scene(role, options);
  const { pair } = scene;
  const client = pair.connect();
  until(scene, () => pair.clientSink.confirmed);
  scene.cast(client, pair.accepted, pair.clientSink, pair.serverSink);
  scene.wait(SHORT_US);
  scene.isSilent = true;
  return open(scene);
};

/** What becomes of the streams of each kind that both have opened (RFC 9000 §3), by index; 0 stays as it is. */
const FATES: readonly ((from: Connection, to: Connection, id: number) => void)[] = [
  () => {},
  (from, _, id) => from.write(id, pattern(200), false),
  (from, _, id) => from.write(id, pattern(200), true),
  (from, _, id) => from.reset(id, 9),
  (_, to, id) => to.stopSending(id, 9),
];
/** …and of bidirectional ones. */
const ENDED = (from: Connection, to: Connection, id: number): void => {
  from.write(id, pattern(200), true);
  to.write(id, pattern(200), true);
};

const withStreams = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
  const { victim, attacker, told } = scene;
  scene.isSilent = false;
  told.consumes = false;
  const done: (() => void)[] = [];
  for (const [from, to] of [
    [victim, attacker],
    [attacker, victim],
  ] as const) {
    for (const bidirectional of [true, false]) {
      const fates = bidirectional ? [...FATES, ENDED] : FATES;
      for (const fate of from === victim ? fates.slice(1) : fates) {
        const id = from.openStream(bidirectional);
        from.write(id, pattern(10), false);
        done.push(() => fate(from, to, id));
      }
    }
  }
  scene.wait(SHORT_US);
  for (const each of done) each();
  scene.wait(SHORT_US);
  scene.isSilent = true;
  return scene;
};

/** Something that needs no credit. */
const speak = (connection: Connection): void => connection.write(connection.openStream(false), NOTHING, true);

/** The victim moved to new keys and nobody followed (RFC 9001 §6.1). */
const updating = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
  assert.ok(scene.victim.updateKeys());
  speak(scene.victim);
  scene.wait(SHORT_US);
  return scene;
};

/** The attacker did, and the victim followed. */
const updated = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
  scene.isSilent = false;
  assert.ok(scene.attacker.updateKeys());
  speak(scene.attacker);
  scene.wait(SHORT_US);
  assert.equal(scene.victim.parts.keys.updates, 1);
  scene.isSilent = true;
  return scene;
};

/** A path is being validated: the client moved, and nothing that it says arrives (RFC 9000 §8.2, §9). */
const migrating = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
  const { pair, victim } = scene;
  if (role === 'client') {
    assert.equal(victim.migrate(address(3, 4100), pair.now), undefined);
    scene.wait(2000);
  } else {
    pair.clientAddress = address(3, 4100);
    scene.inject(Uint8Array.of(1));
    scene.wait(2000);
  }
  assert.ok(!victim.parts.paths.active.validated);
  return scene;
};

const BOTH_VERSIONS = { versions: [Version.v2, Version.v1] };

const closing = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
  // Who hears of it keeps no keys to attack with.
  scene.isDeaf = true;
  scene.victim.close(7, 'bye');
  scene.wait(3000);
  return scene;
};

/** The victim has been told that it is over. */
const draining = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
  scene.isSilent = false;
  scene.attacker.close(7, 'bye');
  until(scene, () => scene.told.closes.length > 0);
  return scene;
};

const BOTH: readonly Role[] = ['server', 'client'];
const at = (make: State['make'], more: Partial<State> = {}): State => ({
  roles: BOTH,
  phase: 'open',
  differs: {},
  make,
  ...more,
});

/** RFC 9001 §4.1.3: TLS has read all that there is at this level. */
const HELLO_READ = {
  'CRYPTO behind a hole': TransportError.protocolViolation,
  'CRYPTO behind a hole larger than what is held': TransportError.protocolViolation,
};
/** There is nothing yet that could be acknowledged. */
const NOTHING_SENT = Object.fromEntries(
  ['ACK of packet 0', 'ACK of packet 0 after 2^62-1 units of delay', 'ACK_ECN with counts of 2^62-1'].map((name) => [
    name,
    TransportError.protocolViolation,
  ]),
);

/** Every state of a connection that an attack may find it in. */
export const STATES: Readonly<Record<string, State>> = {
  initial: at(halfBegun),
  'after ClientHello': at(begun, { roles: ['server'], differs: HELLO_READ }),
  'after Retry': at(retried, { roles: ['client'] }),
  'after a token': at(retried, { roles: ['server'], differs: HELLO_READ }),
  handshake: at(inHandshake, { roles: ['server'] }),
  'half a handshake': at(inHandshake, { roles: ['client'], differs: NOTHING_SENT }),
  '0-RTT': at(inEarlyData, { roles: ['server'] }),
  unconfirmed: at(unconfirmed, { roles: ['client'] }),
  established: at(established),
  'after version negotiation': at((role, options) =>
    established(role, {
      ...options,
      client: { ...options.client, ...BOTH_VERSIONS },
      server: { ...options.server, ...BOTH_VERSIONS },
    }),
  ),
  'with streams': at(withStreams),
  migrating: at(migrating),
  'updating keys': at(updating),
  'after a key update': at(updated),
  closing: at(closing, { phase: 'closing' }),
  draining: at(draining, { phase: 'draining' }),
};
