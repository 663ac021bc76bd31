import assert from 'node:assert/strict';
import { QpackErrorCode } from '#protocol/qpack/errors.ts';
import { Choices } from '#protocol/quic/testing/hostile/choices.ts';
import { EDGES, prefixed, varint } from '#protocol/quic/testing/hostile/encode.ts';
import type { Http3Options } from '../api.ts';
import { Http3ErrorCode } from '../errors.ts';
import { DEFAULT_QPACK_LIMITS } from '../field-coding.ts';
import { bytes, data, GET, headers, lines, RawPeer, section } from './raw.ts';
import type { Recorder } from './recorder.ts';

/** Codes by which this side may end a connection or a stream; that it is at fault itself is none of them. */
const CODES: ReadonlySet<number> = new Set(
  [...Object.values(Http3ErrorCode), ...Object.values(QpackErrorCode)].filter(
    (code) => code !== Http3ErrorCode.internalError,
  ),
);
const STREAMS = 12;
/** Instead of the type of a unidirectional stream. */
const REQUESTS = -1;
const MOST_STEPS = 40;
const HELD_BYTES = 200;

/** Frames of RFC 9114 §7.2 and §11.2.1, of others' and of nobody. */
const TYPES = [0, 1, 3, 4, 5, 7, 0xd, 2, 6, 8, 9, 0x21, 0x40, 0xf0700, 0xf0701, 0x1234n, 2n ** 62n - 1n];
const METHODS = [
  GET,
  [':method: POST', ':scheme: https', ':authority: a.example', ':path: /', 'content-length: 5'],
  [':method: CONNECT', ':authority: a.example:443'],
  [':method: CONNECT', ':protocol: x', ':scheme: https', ':authority: a.example', ':path: /'],
  [':status: 200'],
  [':status: 103'],
  ['x-sum: 1'],
  [':path: /', 'x: y', ':method: GET'],
] as const;

export interface Hostility {
  /** A section of fields that opens something that is of interest. */
  readonly requests?: readonly (readonly string[])[];
  /** Content of DATA frames that is of interest. */
  readonly content?: (c: Choices) => readonly number[];
  /** What an application does that is told. */
  readonly prepare?: (recorder: Recorder) => void;
  readonly http3?: Http3Options;
}

/** A peer that has streams open, and what it may do with them. */
class Attack {
  readonly #peer: RawPeer;
  readonly #c: Choices;
  readonly #hostility: Hostility;
  /** Streams, and what they begin with: a type, or that they are of requests. */
  readonly #open = new Map<number, number>();

  constructor(peer: RawPeer, c: Choices, hostility: Hostility) {
    this.#peer = peer;
    this.#c = c;
    this.#hostility = hostility;
  }

  step(): void {
    const c = this.#c;
    c.pick([
      this.#start,
      this.#start,
      this.#goOn,
      this.#goOn,
      this.#goOn,
      this.#break,
      this.#send,
      this.#application,
    ])();
    this.#peer.pair.run();
  }

  readonly #start = (): void => {
    const c = this.#c;
    const bidirectional = this.#peer.http3.isServer && c.below(2) === 0;
    const id = this.#peer.quic.openStream(bidirectional);
    if (id < 0) return;
    const type = bidirectional ? REQUESTS : this.#type();
    this.#open.set(id, type);
    if (bidirectional) this.#write(id, this.#on(type));
    else this.#write(id, [type, ...(type === 0 && c.below(8) > 0 ? [4, 0] : []), ...this.#on(type)]);
  };

  /** Those of which there may be one, once, for the most part. */
  #type(): number {
    const c = this.#c;
    const type = c.pick([0, 2, 2, 3, 0x21]);
    if (c.below(12) === 0) return c.pick([0, 1, 2, 3]);
    return [...this.#open.values()].includes(type) ? 0x21 : type;
  }

  readonly #goOn = (): void => {
    const id = this.#anyOpen();
    if (id === undefined) return;
    const type = this.#open.get(id) ?? REQUESTS;
    this.#write(id, this.#on(this.#c.below(24) === 0 ? this.#c.pick([REQUESTS, 0, 2, 3]) : type));
  };

  readonly #break = (): void => {
    const c = this.#c;
    const id = this.#anyOpen();
    if (id === undefined) return;
    const { streams } = this.#peer.quic.wire;
    const receives = streams.get(id)?.halves[1 - this.#peer.quic.side] !== undefined;
    if (c.below(2) === 0 && receives) this.#peer.quic.stopSending(id, c.pick([0x100, 0x10c, 0x33]));
    else if (this.#canSend(id)) this.#peer.quic.reset(id, c.pick([0x100, 0x10c, 0x107]));
  };

  readonly #send = (): void => {
    const c = this.#c;
    const content = bytes(varint(c.below(4) === 0 ? c.pick(EDGES) : c.below(8)), c.bytes(c.below(40)));
    this.#peer.quic.sendDatagram(content, 0, c.below(8) === 0 ? c.below(content.length) : content.length);
  };

  /** Who is attacked goes on with what it does. */
  readonly #application = (): void => {
    const c = this.#c;
    const { http3, recorder } = this.#peer;
    const id = 4 * c.below(STREAMS);
    const acts = [
      () => http3.respond(id, lines(':status: 200', `x-n: ${c.byte()}`), c.below(2) === 0),
      () => http3.sendBody(id, bytes('content'), c.below(4) === 0),
      () => http3.cancel(id),
      () => http3.stopReading(id),
      () => http3.openRequest(lines(...GET, `x-n: ${c.byte()}`), c.below(2) === 0),
      () => http3.shutdown(c.below(2) === 0),
      () => http3.sendDatagram(id, new Uint8Array(40), 8, 40),
    ];
    try {
      c.pick(acts)();
    } catch (error) {
      // Its own mistake: a server that asks, a response that was sent already.
      assert.equal((error as { fault?: string }).fault, 'local', String(error));
    }
    if (!http3.isServer) for (const each of recorder.streams.keys()) this.#note(each);
  };

  /** Streams that the other side opened may be written on as well. */
  #note(id: number): void {
    if (!this.#open.has(id) && this.#peer.quic.wire.streams.get(id)?.halves[this.#peer.quic.side]) {
      this.#open.set(id, REQUESTS);
    }
  }

  #anyOpen(): number | undefined {
    if (!this.#peer.http3.isServer) for (let id = 0; id < 4 * STREAMS; id += 4) this.#note(id);
    return this.#open.size === 0 ? undefined : this.#c.pick([...this.#open.keys()]);
  }

  #canSend(id: number): boolean {
    const half = this.#peer.quic.wire.streams.get(id)?.halves[this.#peer.quic.side];
    return half !== undefined && !half.fin && half.resetCode < 0;
  }

  #write(id: number, content: readonly number[]): void {
    if (this.#canSend(id)) this.#peer.quic.write(id, Uint8Array.from(content), this.#c.below(6) === 0);
  }

  #frame(isControl: boolean): readonly number[] {
    const c = this.#c;
    const how = c.below(24);
    if (how === 0) return [...varint(c.pick(TYPES)), ...varint(c.pick(EDGES)), ...c.bytes(c.below(20))];
    if (how === 1) return [...varint(c.pick(TYPES)), ...prefixed(c.bytes(c.below(30)))];
    if (how < 4) return [...varint(c.pick([0x21, 0x1234])), ...prefixed(c.bytes(c.below(100)))];
    return isControl ? this.#word() : this.#part();
  }

  /** A frame of a control stream. */
  #word(): readonly number[] {
    const c = this.#c;
    if (c.below(8) === 0)
      return [...varint(0xf0700), ...prefixed([...varint(4 * c.below(STREAMS)), ...bytes('u=3, i')])];
    if (c.below(8) === 0) return [0xd, ...prefixed(varint(c.below(9)))];
    return [7, ...prefixed(varint(c.below(4) === 0 ? c.pick(EDGES) : 40 - 4 * c.below(9)))];
  }

  /** A frame of a message. */
  #part(): readonly number[] {
    const c = this.#c;
    const { requests = [], content = () => c.bytes(c.below(60)) } = this.#hostility;
    const some = [...METHODS, ...requests, ...requests, ...requests];
    return c.pick([
      () => [...headers(...c.pick(some))],
      () => [...headers(...c.pick(some))],
      () => [...data('hello')],
      () => [0, ...prefixed([...content(c)])],
      () => [1, ...prefixed(this.#section())],
    ])();
  }

  /** A section that refers to entries that may not be there, or not yet; or to none; or is nonsense. */
  #section(): number[] {
    const c = this.#c;
    if (c.below(4) === 0) return [...section(...c.pick(METHODS)), ...c.bytes(c.below(8))];
    const lineOf = () =>
      c.pick([[0xd1], [0xd7], [0x80 | c.below(4)], [0x10 | c.below(4)], [0x50 | c.below(8), 1, 0x61], [c.byte()]]);
    return [c.below(8), c.below(3), ...Array.from({ length: c.below(6) }, lineOf).flat()];
  }

  /** Bytes for a stream that begins so. */
  #on(type: number): number[] {
    const c = this.#c;
    const pieces = {
      [REQUESTS]: () => this.#frame(false),
      0: () => this.#frame(true),
      // RFC 9204 §4.3: capacity, inserts by name, by the static table, by a copy.
      2: () =>
        c.pick([
          [0x3f, 0xbd, 0x01],
          [0x41, 0x61, 1, c.byte() & 0x7f],
          [0xc0 | c.below(16), 2, 0x61, 0x62],
          [c.below(2)],
        ]),
      // §4.4
      3: () => c.pick([[0x40 | c.below(16)], [0x80 | (4 * c.below(3))], [1]]),
    }[type];
    if (pieces === undefined || c.below(32) === 0) return [...c.bytes(c.below(20))];
    const out: number[] = [];
    for (let n = 1 + c.below(4); n > 0; n--) out.push(...pieces());
    return out;
  }
}

const check = ({ http3, outcome, recorder }: RawPeer): void => {
  if (outcome !== 'open') assert.ok(CODES.has(outcome), `code 0x${outcome.toString(16)}`);
  const { received, held } = http3.qpackCounters.bytes;
  assert.ok(received <= DEFAULT_QPACK_LIMITS.tableBytes, `a table of ${received} bytes`);
  assert.ok(held <= HELD_BYTES, `${held} bytes held`);
  assert.ok(http3.openRequests <= STREAMS, `${http3.openRequests} requests`);
  for (const { aborted } of recorder.streams.values()) {
    if (aborted?.by === 'local') assert.ok(CODES.has(aborted.code), `stream: code 0x${aborted.code.toString(16)}`);
  }
};

/**
 * What the bytes say is done to an HTTP/3 connection by a peer that has streams, and what must hold is checked each time.
 *
 * @throws Error when something does not hold
 */
export const playHttp3 = (script: Uint8Array, hostility: Hostility = {}): void => {
  const c = new Choices(script);
  const server = c.below(4) > 0;
  const peer = new RawPeer({
    server,
    seed: c.byte(),
    piece: c.pick([4000, 1, 7]),
    limits: { bidirectionalStreams: STREAMS, unidirectionalStreams: STREAMS, streamWindow: 4096 },
    http3: { qpack: { heldBytes: HELD_BYTES }, ...hostility.http3 },
  });
  hostility.prepare?.(peer.recorder);
  const attack = new Attack(peer, c, hostility);
  for (let steps = 0; c.left > 0 && steps < MOST_STEPS && peer.outcome === 'open'; steps++) {
    attack.step();
    check(peer);
  }
};
