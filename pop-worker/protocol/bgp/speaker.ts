import { NEVER, type Random, type TimeUs } from '../contract.ts';
import type { Connection } from './fsm/connection.ts';
import type { Ending } from './fsm/ending.ts';
import type { Negotiated } from './fsm/negotiate.ts';
import { Neighbour, type NeighbourListener } from './fsm/neighbour.ts';
import { RefreshPace } from './fsm/refresh-pace.ts';
import { RestartHelper } from './fsm/restart-helper.ts';
import type { SessionSettings } from './fsm/settings.ts';
import { State } from './fsm/state.ts';
import type { Routes } from './routes.ts';
import { Outcome } from './wire/attributes/definition.ts';
import { HEADER_BYTES } from './wire/header.ts';
import { RefreshSubtype, type RouteRefresh } from './wire/route-refresh.ts';
import { UpdateReader } from './wire/update.ts';

/** What `poll` wants done. Reused. */
export class SpeakerOutput {
  /** Connect to the neighbour, send the first `length` bytes of `buffer`, or close the connection once all was sent. */
  kind: 'close' | 'connect' | 'send' = 'send';
  neighbour = 0;
  isOutgoing = false;
  /** Of `close`: what TCP has not taken is not waited for. */
  isReset = false;
  readonly buffer: Uint8Array;
  length = 0;

  /** @param bytes at least 65,535: the largest message */
  constructor(bytes: number) {
    this.buffer = new Uint8Array(bytes);
  }
}

/** Who hears of every UPDATE. */
export interface UpdateMonitor {
  /** One has come, of a session that is there: the message is [start, end), with its marker. @param update what was read of it */
  updated(index: number, buffer: Uint8Array, start: number, end: number, update: UpdateReader): void;
  /** One goes out, or a mark between them. */
  told(index: number, buffer: Uint8Array, start: number, end: number): void;
}

/** Who hears what happens; called from inside the speaker. */
export interface SpeakerSink {
  changed(index: number, from: State, to: State): void;
  up(index: number, negotiated: Negotiated): void;
  ended(index: number, ending: Ending): void;
  /** An attempt to connect has failed. @param reason for people @param isNews the attempt before did not fail for this */
  unreachable(index: number, reason: string, isNews: boolean): void;
  heldBack(index: number, until: TimeUs): void;
  /** @param type as in `MessageType` */
  counted(index: number, type: number, isSent: boolean): void;
  /** An UPDATE had an error that did not end the session (RFC 7606). */
  faulty(index: number, update: UpdateReader): void;
  /** Undefined while nobody wants to hear of UPDATEs. */
  readonly monitor?: UpdateMonitor | undefined;
}

/** All neighbours of one BGP speaker; their routes are in `Routes`. */
export class Speaker implements NeighbourListener {
  readonly neighbours: (Neighbour | undefined)[] = [];
  readonly #routes: Routes;
  readonly #sink: SpeakerSink;
  readonly #random: Random;
  readonly #reader = new UpdateReader();
  readonly #helpers: (RestartHelper | undefined)[] = [];
  readonly #paces: (RefreshPace | undefined)[] = [];
  #turn = 0;

  constructor(routes: Routes, sink: SpeakerSink, random: Random) {
    this.#routes = routes;
    this.#sink = sink;
    this.#random = random;
  }

  /** @param index that `Routes` has given it */
  add(index: number, settings: SessionSettings): Neighbour {
    const neighbour = new Neighbour(index, settings, this, this.#random);
    this.neighbours[index] = neighbour;
    this.#helpers[index] = new RestartHelper(index, this.#routes);
    this.#paces[index] = new RefreshPace();
    return neighbour;
  }

  /** Forgets a neighbour that was stopped. */
  remove(index: number): void {
    this.neighbours[index] = undefined;
    this.#helpers[index] = undefined;
    this.#paces[index] = undefined;
  }

  /** Asks a neighbour for all its routes once more; whether it is able to tell them. */
  askRefresh(index: number): boolean {
    const session = this.neighbours[index]?.session;
    if (session?.negotiated?.routeRefresh !== true) return false;
    for (const family of session.negotiated.families) session.askRefresh({ family, subtype: RefreshSubtype.request });
    return true;
  }

  deadline(): TimeUs {
    let earliest = NEVER;
    for (const neighbour of this.neighbours) if (neighbour) earliest = Math.min(earliest, neighbour.deadline());
    for (const helper of this.#helpers) if (helper) earliest = Math.min(earliest, helper.deadline());
    for (const pace of this.#paces) if (pace) earliest = Math.min(earliest, pace.deadline());
    return earliest;
  }

  expire(now: TimeUs): void {
    for (const neighbour of this.neighbours) neighbour?.expire(now);
    for (const helper of this.#helpers) helper?.expire(now);
    for (const [index, pace] of this.#paces.entries()) {
      for (const family of pace?.due(now) ?? []) this.#routes.refresh(index, family);
    }
  }

  /** @returns whether there was something to do: `out` says what */
  poll(now: TimeUs, out: SpeakerOutput): boolean {
    const count = this.neighbours.length;
    for (let i = 0; i < count; i++) {
      const at = (this.#turn + i) % count;
      const neighbour = this.neighbours[at];
      if (neighbour === undefined || !this.#pollNeighbour(neighbour, now, out)) continue;
      // Whoever has much to be sent does not hold up the others.
      this.#turn = at + 1;
      return true;
    }
    return false;
  }

  #pollNeighbour(neighbour: Neighbour, now: TimeUs, out: SpeakerOutput): boolean {
    out.neighbour = neighbour.index;
    return (
      this.#pollConnection(neighbour, neighbour.incoming, now, out) ||
      this.#pollConnection(neighbour, neighbour.outgoing, now, out)
    );
  }

  #pollConnection(neighbour: Neighbour, connection: Connection, now: TimeUs, out: SpeakerOutput): boolean {
    out.isOutgoing = connection.isOutgoing;
    out.length = 0;
    if (!connection.isBlocked || connection.wantsClose) out.length = connection.queue.take(out.buffer);
    if (connection.state === State.established && !connection.isBlocked)
      this.#writeUpdates(neighbour, connection, now, out);
    if (out.length > 0) {
      out.kind = 'send';
      return true;
    }
    if (connection.wantsClose) {
      connection.wantsClose = false;
      out.isReset = connection.isBlocked;
      out.kind = 'close';
      return true;
    }
    if (!connection.wantsConnect) return false;
    connection.wantsConnect = false;
    out.kind = 'connect';
    return true;
  }

  #writeUpdates(neighbour: Neighbour, connection: Connection, now: TimeUs, out: SpeakerOutput): void {
    const largest = (connection.negotiated as Negotiated).largestSent;
    const start = out.length;
    while (out.buffer.length - out.length >= largest) {
      const bytes = this.#routes.nextUpdate(neighbour.index, out.buffer, out.length);
      if (bytes === 0) break;
      // An UPDATE, or a mark between them (RFC 7313 §4).
      this.counted(neighbour, out.buffer[out.length + HEADER_BYTES - 1] as number, true);
      this.#sink.monitor?.told(neighbour.index, out.buffer, out.length, out.length + bytes);
      out.length += bytes;
    }
    if (out.length > start) connection.wroteUpdates(now);
  }

  counted({ index }: Neighbour, type: number, isSent: boolean): void {
    this.#sink.counted(index, type, isSent);
  }

  changed({ index }: Neighbour, from: State, to: State): void {
    this.#sink.changed(index, from, to);
  }

  up({ index }: Neighbour, negotiated: Negotiated, now: TimeUs): void {
    this.#routes.up(index, negotiated);
    this.#helpers[index]?.up(negotiated, now);
    this.#sink.up(index, negotiated);
  }

  update(neighbour: Neighbour, buffer: Uint8Array, start: number, end: number): void {
    const negotiated = neighbour.session?.negotiated;
    if (negotiated === undefined) return;
    const reader = this.#reader;
    if (reader.read(buffer, start, end, negotiated.rules) !== Outcome.ok) this.#sink.faulty(neighbour.index, reader);
    this.#routes.take(neighbour.index, reader);
    if (reader.endOfRib !== 0 && this.#helpers[neighbour.index]?.toldAll(reader.endOfRib) === true)
      neighbour.restarted();
    this.#sink.monitor?.updated(neighbour.index, buffer, start - HEADER_BYTES, end, reader);
    // RFC 4760 §7: what is received of it is ignored for the rest of the session.
    if (reader.disabledFamily !== 0) neighbour.disable(reader.disabledFamily);
  }

  refresh({ index, session }: Neighbour, { family, subtype }: RouteRefresh, now: TimeUs): void {
    // RFC 2918 §4, RFC 7313 §5: of a family that was not agreed on it is ignored.
    if (session?.negotiated?.families.includes(family) !== true) return;
    if (subtype === RefreshSubtype.begin) this.#routes.refreshBegins(index, family);
    else if (subtype === RefreshSubtype.end) this.#routes.refreshEnds(index, family);
    else if (this.#paces[index]?.asked(family, now) === true) this.#routes.refresh(index, family);
  }

  ended({ index }: Neighbour, ending: Ending, now: TimeUs): boolean {
    const kept = (ending.wasEstablished && this.#helpers[index]?.ended(ending, now)) || [];
    if (ending.wasEstablished) {
      this.#paces[index]?.clear();
      this.#routes.down(index, kept);
    }
    this.#sink.ended(index, ending);
    return kept.length > 0;
  }

  stopped({ index }: Neighbour): void {
    this.#helpers[index]?.forget();
  }

  unreachable({ index }: Neighbour, reason: string, isNews: boolean): void {
    this.#sink.unreachable(index, reason, isNews);
  }

  heldBack({ index }: Neighbour, until: TimeUs): void {
    this.#sink.heldBack(index, until);
  }
}
