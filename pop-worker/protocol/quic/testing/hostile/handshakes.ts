import assert from 'node:assert/strict';
import { Level } from '../../ports.ts';
import { PacketHeader, parseHeader } from '../../wire/packet/header.ts';
import type { PairOptions } from '../pair.ts';
import { pattern, RecordingSink } from '../sinks.ts';
import { type Role, Scene } from './scene.ts';

export const until = (scene: Scene, condition: () => boolean): void =>
  assert.ok(scene.pair.run(condition, 300_000_000));

/** Both ends are there: the server has read the first packet, the client nothing. @param datagrams that the server gets */
export const begun = (role: Role, options: PairOptions = {}, datagrams = 100): Scene => {
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
export const halfBegun = (role: Role, options: PairOptions): Scene => {
  const alpn = ['test', ...Array.from({ length: 40 }, (_, i) => String(i).repeat(50))];
  const scene = begun(role, { ...options, connect: { ...options.connect, alpn } }, 1);
  if (role === 'server') assert.equal(scene.victim.parts.keys.opener(Level.handshake), undefined);
  return scene;
};

/** The client has Handshake keys and no more: of the server's first datagram it got the Initial packet. */
export const inHandshake = (role: Role, options: PairOptions): Scene => {
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
export const inEarlyData = (role: Role, options: PairOptions): Scene => {
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

/** One stream of each kind is the victim's own. */
export const open = (scene: Scene): Scene => {
  const { victim } = scene;
  assert.ok(victim.openStream(true) >= 0 && victim.openStream(false) >= 0);
  return scene;
};

/** The client has all keys and waits for HANDSHAKE_DONE. */
export const unconfirmed = (role: Role, options: PairOptions): Scene => {
  const scene = new Scene(role, options);
  const { pair } = scene;
  const client = pair.connect();
  // So that it sends a packet which can be acknowledged.
  pair.clientSink.onComplete = () => {
    client.parts.spaces[2].ping = true;
  };
  until(scene, () => pair.clientSink.handshake !== undefined);
  scene.isSilent = true;
  scene.cast(client, pair.accepted, pair.clientSink, pair.serverSink);
  until(scene, () => pair.serverSink.confirmed);
  return open(scene);
};

/** After Retry: the client's second Initial was taken, or the Retry was. */
export const retried = (role: Role, options: PairOptions): Scene => {
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
