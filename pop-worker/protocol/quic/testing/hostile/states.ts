import assert from 'node:assert/strict';
import type { Connection } from '../../connection.ts';
import { TransportError } from '../../errors.ts';
import { Level } from '../../ports.ts';
import { PacketHeader, parseHeader } from '../../wire/packet/header.ts';
import { Version } from '../../wire/packet/version.ts';
import { address, type PairOptions } from '../pair.ts';
import { pattern, RecordingSink } from '../sinks.ts';
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

const until = (scene: Scene, condition: () => boolean): void => assert.ok(scene.pair.run(condition, 300_000_000));

/** Both ends are there: the server has read the first packet, the client nothing. @param datagrams that the server gets */
const begun = (role: Role, options: PairOptions = {}, datagrams = 100): Scene => {
  const scene = new Scene(role, options);
  const { pair } = scene;
  const client = pair.connect();
  if (role === 'client') scene.isSilent = true;
  else {
    let left = datagrams;
    pair.onClientSends = () => {
      scene.isSilent = left-- <= 0;
    };
  }
  until(scene, () => pair.serverSinks.length > 0);
  if (role === 'server') pair.onClientSends = () => {};
  scene.isSilent = true;
  scene.level = Level.initial;
  scene.cast(client, pair.accepted, pair.clientSink, pair.serverSink);
  assert.ok(scene.canSeal(Level.initial));
  return scene;
};

/** A ClientHello of two datagrams, of which the server got the first. */
const halfBegun = (role: Role, options: PairOptions): Scene => {
  const alpn = ['test', ...Array.from({ length: 40 }, (_, i) => String(i).repeat(50))];
  const scene = begun(role, { ...options, connect: { ...options.connect, alpn } }, 1);
  if (role === 'server') assert.equal(scene.victim.parts.keys.opener(Level.handshake), undefined);
  return scene;
};

/** The client has Handshake keys and no more: of the server's first datagram it got the Initial packet. */
const inHandshake = (role: Role, options: PairOptions): Scene => {
  if (role === 'server') {
    const scene = begun(role, options);
    until(scene, () => scene.pair.clientSink.handshake !== undefined);
    assert.ok(scene.canSeal(Level.handshake));
    scene.level = Level.handshake;
    return scene;
  }
  const scene = new Scene(role, options);
  const { pair } = scene;
  const client = pair.connect();
  const header = new PacketHeader();
  scene.isSilent = true;
  pair.onServerSends = ({ bytes }) => {
    assert.ok(parseHeader(bytes, 0, bytes.length, 8, header, true) && header.type === Level.initial);
    pair.onServerSends = () => {};
    scene.deliver(bytes.slice(0, header.end));
  };
  until(scene, () => client.parts.keys.opener(Level.handshake) !== undefined);
  scene.cast(client, pair.accepted, pair.clientSink, pair.serverSink);
  assert.ok(scene.canSeal(Level.handshake));
  scene.level = Level.handshake;
  return scene;
};

/** The server reads 0-RTT; what else the client has to say does not reach it. */
const inEarlyData = (role: Role, options: PairOptions): Scene => {
  const scene = new Scene(role, options);
  const { pair } = scene;
  const first = pair.connect();
  until(scene, () => pair.clientSink.confirmed && pair.clientSink.tickets.length > 0);
  const ticket = pair.clientSink.tickets[0] as Uint8Array;
  const remembered = first.parts.handshake.peer;
  first.close(0, '');
  until(scene, () => pair.client.connections === 0 && pair.server.connections === 0);
  const sink = new RecordingSink();
  const client = pair.client.connect(
    { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink, ticket, remembered },
    pair.now,
  );
  client.write(client.openStream(true), pattern(50), false);
  until(scene, () => pair.serverSinks[1]?.received.has(0) === true);
  scene.isSilent = true;
  scene.level = Level.earlyData;
  scene.cast(client, pair.accepted, sink, pair.serverSinks[1] as RecordingSink);
  // The client forgets these keys with the server's answer.
  assert.ok(scene.canSeal(Level.earlyData));
  return open(scene);
};

/** The client has all keys and waits for HANDSHAKE_DONE. */
const unconfirmed = (role: Role, options: PairOptions): Scene => {
  const scene = new Scene(role, options);
  const { pair } = scene;
  const client = pair.connect();
  until(scene, () => pair.clientSink.handshake !== undefined);
  scene.isSilent = true;
  scene.cast(client, pair.accepted, pair.clientSink, pair.serverSink);
  until(scene, () => pair.serverSink.confirmed);
  return open(scene);
};

/** One stream of each kind is the victim's own. */
const open = (scene: Scene): Scene => {
  const { victim } = scene;
  assert.ok(victim.openStream(true) >= 0 && victim.openStream(false) >= 0);
  return scene;
};

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

/** After Retry: the client's second Initial was taken, or the Retry was. */
const retried = (role: Role, options: PairOptions): Scene => {
  const endpoint = { ...options.endpoint, retryAtHandshakes: 0 };
  if (role === 'server') return begun(role, { ...options, endpoint });
  const scene = new Scene(role, { ...options, endpoint });
  const { pair } = scene;
  const client = pair.connect();
  until(scene, () => client.parts.handshake.token.length > 0);
  scene.isSilent = true;
  until(scene, () => pair.serverSinks.length > 0);
  scene.level = Level.initial;
  scene.cast(client, pair.accepted, pair.clientSink, pair.serverSink);
  assert.ok(scene.canSeal(Level.initial));
  return scene;
};

const BOTH_VERSIONS = { versions: [Version.v2, Version.v1] };

const closing = (role: Role, options: PairOptions): Scene => {
  const scene = established(role, options);
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
