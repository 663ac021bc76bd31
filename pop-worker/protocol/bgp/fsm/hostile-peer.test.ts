import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { ErrorCode } from '../errors.ts';
import { Speaker, SpeakerOutput } from '../speaker.ts';
import { errorName } from '../wire/error-names.ts';
import { Family } from '../wire/families.ts';
import { HEADER_BYTES, MAX_EXTENDED_MESSAGE_BYTES, MessageType } from '../wire/header.ts';
import { writeKeepalive } from '../wire/keepalive.ts';
import { readMessages } from '../wire/messages.ts';
import { parseNotification } from '../wire/notification.ts';
import { parseOpen, writeOpen } from '../wire/open.ts';
import { parseRouteRefresh } from '../wire/route-refresh.ts';
import { State } from './state.ts';
import { repeatable } from './testing/pair.ts';
import { RoutesRecorder, SinkRecorder } from './testing/recorder.ts';
import { mirrored, SECOND, settingsOf } from './testing/settings.ts';

/** As the corpus has it: its sessions are with AS 64500. */
const OURS = settingsOf({
  localAs: 64512,
  remoteAs: 64500,
  holdTimeS: 90,
  capabilities: {
    families: Object.values(Family),
    extendedMessages: true,
    extendedNextHop: [Family.ipv4Unicast],
    gracefulRestart: { isRestarting: false, hasNotification: true, restartTimeS: 0, families: [] },
  },
});
const THEIRS = mirrored(OURS);

const NOW = 5 * SECOND;
const openBytes = (): Uint8Array => {
  const { localAs, identifier, holdTimeS, capabilities } = THEIRS;
  const buffer = new Uint8Array(4096);
  return buffer.subarray(0, writeOpen(buffer, 0, { as: localAs, identifier, holdTimeS, capabilities }));
};
const OPEN = openBytes();
const KEEPALIVE = new Uint8Array(HEADER_BYTES);
writeKeepalive(KEEPALIVE, 0);
const OUT = new SpeakerOutput(MAX_EXTENDED_MESSAGE_BYTES + 8192);

/** Bytes that a connection keeps of what has come: less than a message. */
const MOST_SENT = 3 * 4096 + 2 * HEADER_BYTES;

/** All that a speaker says, checked as a neighbour would; and what the last of it was. */
class Watched {
  readonly routes = new RoutesRecorder();
  readonly sink = new SinkRecorder();
  readonly speaker = new Speaker(this.routes, this.sink, repeatable());
  readonly neighbour = this.speaker.add(1, OURS);
  readonly said: string[] = [];
  bytes = 0;
  isClosed = false;

  /** @param state that the neighbour has brought it to, properly */
  constructor(state: State) {
    this.neighbour.start(NOW);
    this.drain();
    this.neighbour.outgoing.connected(NOW);
    this.drain();
    if (state >= State.openConfirm) this.feed(OPEN);
    if (state >= State.established) this.feed(KEEPALIVE);
    assert.equal(this.neighbour.state, state);
  }

  feed(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.neighbour.outgoing.receive(bytes, start, end, NOW);
    this.drain();
  }

  drain(): void {
    while (this.speaker.poll(NOW, OUT)) {
      if (OUT.kind === 'close') this.isClosed = true;
      if (OUT.kind !== 'send') continue;
      assert.ok(!this.isClosed, 'nothing is sent after the end');
      this.bytes += OUT.length;
      this.#check();
    }
  }

  #check(): void {
    const note = (text: string): boolean => {
      assert.ok(!this.said.some((one) => one.startsWith('notification')), 'a NOTIFICATION is the last message');
      return this.said.push(text) > 0;
    };
    const at = readMessages(OUT.buffer, 0, OUT.length, MAX_EXTENDED_MESSAGE_BYTES, {
      open: (buffer, start, end) => note(`open ${parseOpen(buffer, start, end).as}`),
      update: () => assert.fail('there is nothing to tell'),
      notification: (buffer, start, end) => {
        const { code, subcode } = parseNotification(buffer, start, end);
        return note(`notification ${errorName(code, subcode)}`);
      },
      keepalive: () => note('keepalive'),
      routeRefresh: (buffer, start, end) => note(`refresh ${parseRouteRefresh(buffer, start, end, true)?.family}`),
    });
    assert.equal(at, OUT.length, 'whole messages');
  }
}

const STATES = [State.openSent, State.openConfirm, State.established] as const;

/** Errors that a neighbour may be told of, by what it did. */
const ALLOWED: ReadonlySet<number> = new Set([
  ErrorCode.messageHeader,
  ErrorCode.open,
  ErrorCode.update,
  ErrorCode.finiteStateMachine,
  ErrorCode.cease,
  ErrorCode.routeRefresh,
]);

const tryAt = (state: State, bytes: Uint8Array, cut: number): void => {
  const watched = new Watched(state);
  const middle = Math.min(cut, bytes.length);
  // In the middle of other bytes, which must not matter.
  const buffer = new Uint8Array(bytes.length + 40).fill(0xff);
  buffer.set(bytes, 20);
  watched.feed(buffer, 20, 20 + middle);
  watched.feed(buffer, 20 + middle, 20 + bytes.length);
  const { neighbour, sink, said } = watched;
  for (const { notification, isSent } of sink.endings) {
    if (isSent) assert.ok(ALLOWED.has(notification?.code ?? 0), said.join());
  }
  assert.ok(watched.bytes <= MOST_SENT, `${watched.bytes} bytes sent`);
  const isOver = neighbour.state < State.openSent;
  assert.equal(watched.isClosed, isOver);
  if (!isOver) return;
  // Nothing that comes behind the end means anything.
  const lines = sink.lines.length;
  watched.feed(KEEPALIVE);
  watched.feed(OPEN);
  assert.equal(sink.lines.length, lines);
  assert.ok(neighbour.deadline() < NOW + 200 * SECOND, 'it is tried again');
};

const messages = (): Case<unknown>[] => readCorpus(new URL('../testing/corpus/messages.json', import.meta.url));

test('a hostile neighbour, in each state: nothing but NOTIFICATIONs of RFC 4271 §6 comes of it', () => {
  survive(
    messages(),
    (bytes) => {
      for (const state of STATES) tryAt(state, bytes, bytes.length >>> 1);
    },
    { mutants: 2000 },
  );
});

test('bodies under good headers, in each state', () => {
  const bodies = messages().map((each) => ({ ...each, bytes: each.bytes.subarray(18) }));
  survive(
    bodies,
    (bytes) => {
      const message = new Uint8Array(Math.max(HEADER_BYTES, 18 + bytes.length)).fill(0xff);
      message[16] = message.length >>> 8;
      message[17] = message.length;
      message.set(bytes, 18);
      for (const state of STATES) tryAt(state, message, 20);
    },
    { mutants: 2000 },
  );
});

test('messages where they may not be are FSM errors with the state’s subcode (RFC 4271 §6.6, RFC 6608)', () => {
  const update = new Uint8Array(23).fill(0xff);
  update.set([0, 23, MessageType.update, 0, 0, 0, 0], 16);
  const refresh = new Uint8Array(23).fill(0xff);
  refresh.set([0, 23, MessageType.routeRefresh, 0, 1, 0, 1], 16);
  const outcome = (state: State, message: Uint8Array): string | undefined => {
    const watched = new Watched(state);
    watched.feed(message);
    return watched.said.at(-1);
  };
  const error = (name: string): string =>
    `notification Finite State Machine Error, Receive Unexpected Message in ${name} State`;
  for (const message of [KEEPALIVE, update, refresh]) assert.equal(outcome(State.openSent, message), error('OpenSent'));
  for (const message of [OPEN, update, refresh])
    assert.equal(outcome(State.openConfirm, message), error('OpenConfirm'));
  assert.equal(outcome(State.established, OPEN), error('Established'));
});

test('an OPEN without end, a byte at a time: the connection keeps one message at most', () => {
  const watched = new Watched(State.openSent);
  const head = new Uint8Array(HEADER_BYTES).fill(0xff);
  head.set([0x10, 0, MessageType.open], 16);
  watched.feed(head);
  const byte = Uint8Array.of(0);
  for (let i = HEADER_BYTES; i < 4096; i++) {
    assert.equal(watched.neighbour.state, State.openSent);
    watched.feed(byte);
  }
  assert.equal(watched.said.at(-1), 'notification OPEN Message Error, Unsupported Version Number');
});
