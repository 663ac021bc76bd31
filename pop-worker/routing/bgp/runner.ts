import { randomFillSync } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { native } from '#host/native.ts';
import { addressOf, formatHost } from '#host/udp/address.ts';
import { CeaseSubcode } from '#protocol/bgp/errors.ts';
import { type Ending, endingText } from '#protocol/bgp/fsm/ending.ts';
import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import type { Neighbour } from '#protocol/bgp/fsm/neighbour.ts';
import { STATE_NAMES, type State } from '#protocol/bgp/fsm/state.ts';
import type { OriginValidator } from '#protocol/bgp/policy/route.ts';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import type { FamilyCounts } from '#protocol/bgp/rib/inspect.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import type { Routes } from '#protocol/bgp/routes.ts';
import { Speaker, SpeakerOutput, type SpeakerSink, type UpdateMonitor } from '#protocol/bgp/speaker.ts';
import { cease } from '#protocol/bgp/wire/cease.ts';
import type { UpdateReader } from '#protocol/bgp/wire/update.ts';
import type { Random, TimeUs } from '#protocol/contract.ts';
import { Beside } from './beside.ts';
import { BfdWatch } from './bfd-watch.ts';
import { BgpMetrics } from './bgp-metrics.ts';
import type { ExplainedRoute } from './explained.ts';
import { Listeners } from './listeners.ts';
import type { BgpCommand, BgpNotice } from './messages.ts';
import type { RoutePage, RouteQuery } from './route-list.ts';
import type { BgpNeighbourConfig, BgpThreadSetup, NeighbourRoutesConfig, OriginConfig } from './setup.ts';
import { COUNTS, countAt, statusOf } from './status.ts';
import { Streams } from './streams.ts';

/** Bytes that are handed to a socket at once. */
const OUTPUT_BYTES = 128 * 1024;
/** So often something is sent before others have their turn. */
const MOST_POLLS = 64;
const FAULTY_EVERY_US = 1e6;
/** Timers of Node know no more than 2^31 ms: what is farther away is looked at now and then. */
const MOST_WAIT_MS = 3_600_000;
/** Flow specifications are looked at so much after routes have changed. */
const VALIDATION_MS = 200;

interface Entry {
  readonly id: number;
  readonly index: number;
  readonly config: BgpNeighbourConfig;
  readonly neighbour: Neighbour;
  readonly streams: Streams;
  readonly counts: Float64Array;
  /** What sockets hold on to: of the connection that we made, and of the one that it made. */
  readonly held: { outgoing: SpeakerOutput | undefined; incoming: SpeakerOutput | undefined };
}

/** What is asked for of one neighbour that is there. */
type NeighbourCommand = Exclude<
  BgpCommand,
  {
    type:
      | 'add'
      | 'beside'
      | 'bmp'
      | 'dump'
      | 'explain'
      | 'list'
      | 'mrt'
      | 'originate'
      | 'policies'
      | 'quit'
      | 'rpki'
      | 'status'
      | 'withdraw';
  }
>;

/** Who knows which AS may originate what. */
export interface RouteValidator extends OriginValidator {
  /** Whether anybody is asked. */
  readonly isWanted: boolean;
}

/** Where routes of neighbours are kept. */
export interface RouteTables extends Routes {
  readonly rib: Rib;
  addNeighbour(config: BgpNeighbourConfig): number;
  removeNeighbour(index: number): void;
  /** Other routes of a neighbour are taken, and told to it. */
  change(index: number, routes: NeighbourRoutesConfig): void;
  setPolicies(policies: Policies): void;
  /** A route of our own, in place of the one that there may be. */
  originate(origin: OriginConfig): void;
  withdraw(prefix: string): void;
  /** Flow specifications are to be looked at; that takes time with the number of unicast routes. */
  readonly owesValidation: boolean;
  validateFlows(): void;
  /** Bytes that routes take. */
  readonly memory: number;
  /** What there is of its routes, by family. */
  countsOf(index: number): readonly FamilyCounts[];
  /** What policies make of a prefix. @param prefix text of one */
  explain(prefix: string): readonly ExplainedRoute[];
  /** @param nameOf of a neighbour by its index */
  page(query: RouteQuery, nameOf: (index: number) => string | undefined): RoutePage;
  /** Before there are neighbours. */
  setValidator(validator: RouteValidator): void;
  /** What that one knows has become another: routes whose policies ask for it are looked at anew. */
  revalidate(): void;
  /** Our address of a connection with it. */
  setLocal(index: number, address: string): void;
}

const random: Random = { fill: (bytes) => randomFillSync(bytes) };

/** Runs a speaker: sockets, timers, commands. */
export class BgpRunner implements SpeakerSink {
  readonly #post: (notice: BgpNotice) => void;
  /** Not posted yet: neighbours hear of what has changed before the main thread does, whose waking takes time from this one. */
  #notices: BgpNotice[] = [];
  readonly #tables: RouteTables;
  readonly #speaker: Speaker;
  readonly #listeners: Listeners;
  readonly #metrics: BgpMetrics;
  readonly #byId = new Map<number, Entry>();
  readonly #byIndex: (Entry | undefined)[] = [];
  readonly #byHost = new Map<string, Entry>();
  readonly #bfd: BfdWatch | undefined;
  readonly #beside: Beside;
  #out = new SpeakerOutput(OUTPUT_BYTES);
  /** To be used again: without them garbage would pile up while neighbours take a full table. */
  readonly #spare: SpeakerOutput[] = [];
  #isAwake = false;
  #timer: NodeJS.Timeout | undefined;
  #validation: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #faultyAt: TimeUs = 0;

  constructor(setup: BgpThreadSetup, tables: RouteTables, notify: (notice: BgpNotice) => void) {
    this.#post = notify;
    this.#tables = tables;
    this.#metrics = new BgpMetrics(new Float64Array(setup.slots));
    this.#speaker = new Speaker(tables, this, random);
    this.#bfd =
      setup.bfd &&
      new BfdWatch(setup.bfd, {
        failed: (index, isOwn) => {
          const entry = this.#byIndex[index];
          if (entry !== undefined) this.#bfdDown(entry, isOwn);
          this.wake();
        },
        trouble: (index, message) => {
          const id = this.#byIndex[index]?.id;
          if (id !== undefined) this.#notify({ type: 'bfd_trouble', id, message });
        },
      });
    this.#beside = new Beside(setup, tables.rib, notify, () => {
      tables.revalidate();
      this.wake();
    });
    tables.setValidator(this.#beside.caches);
    this.#listeners = new Listeners(setup.listen, (descriptor, remote) => this.#accept(descriptor, remote));
  }

  get monitor(): UpdateMonitor | undefined {
    return this.#beside.monitor;
  }

  get ports(): readonly number[] {
    return this.#listeners.ports();
  }

  handle(command: BgpCommand): void {
    switch (command.type) {
      case 'add':
        this.#add(command.id, command.config);
        break;
      case 'originate':
        this.#tables.originate(command.origin);
        break;
      case 'withdraw':
        this.#tables.withdraw(command.prefix);
        break;
      case 'policies':
        this.#tables.setPolicies(command.policies);
        break;
      case 'status':
        this.#tellStatus(command.request);
        break;
      case 'list':
        this.#tellRoutes(command.request, command.query);
        break;
      case 'explain':
        this.#notify({ type: 'explained', request: command.request, routes: this.#tables.explain(command.prefix) });
        break;
      case 'beside':
      case 'bmp':
      case 'dump':
      case 'mrt':
      case 'rpki':
        this.#beside.handle(command);
        break;
      case 'quit':
        this.#quit(command.text);
        break;
      default: {
        const entry = this.#byId.get(command.id);
        if (entry !== undefined) this.#handleFor(entry, command);
      }
    }
    this.wake();
  }

  /** Now and then: what is not counted as it happens. */
  beat(): void {
    this.#metrics.memory(this.#tables.memory);
  }

  now(): TimeUs {
    return nowUs();
  }

  connected(index: number, local: string, port: number, isOutgoing: boolean): void {
    this.#tables.setLocal(index, local);
    this.#beside.connected(index, local, port, isOutgoing);
    const config = this.#byIndex[index]?.config;
    if (config !== undefined) this.#bfd?.connected(index, config, local);
  }

  drained(index: number, isOutgoing: boolean): void {
    const held = this.#byIndex[index]?.held;
    const way = isOutgoing ? 'outgoing' : 'incoming';
    if (held?.[way] === undefined) return;
    this.#spare.push(held[way]);
    held[way] = undefined;
  }

  /** Does what there is to do, once whatever waits at sockets was read. */
  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => this.#work());
  }

  changed(index: number, from: State, to: State): void {
    this.#metrics.collect(this.#speaker);
    this.#beside.changed(index, from, to);
    const id = this.#byIndex[index]?.id;
    if (id !== undefined) this.#notify({ type: 'changed', id, from: STATE_NAMES[from], to: STATE_NAMES[to] });
  }

  up(index: number, negotiated: Negotiated): void {
    this.#metrics.up();
    const session = this.#speaker.neighbours[index]?.session;
    if (session !== undefined) this.#beside.up(index, negotiated, session);
  }

  ended(index: number, ending: Ending): void {
    const { cause, wasEstablished } = ending;
    this.#metrics.ended(cause, wasEstablished);
    this.#beside.ended(index, ending);
    const id = this.#byIndex[index]?.id;
    if (id !== undefined) this.#notify({ type: 'ended', id, wasEstablished, text: endingText(ending) });
  }

  heldBack(index: number, until: TimeUs): void {
    this.#metrics.heldBack();
    const id = this.#byIndex[index]?.id;
    const seconds = Math.round((until - nowUs()) / 1e6);
    if (id !== undefined) this.#notify({ type: 'held_back', id, seconds });
  }

  counted(index: number, type: number, isSent: boolean): void {
    this.#metrics.message(type, isSent);
    const counts = this.#byIndex[index]?.counts;
    const at = countAt(type, isSent);
    if (counts !== undefined) counts[at] = (counts[at] as number) + 1;
  }

  faulty(index: number, { outcome, fault, faultCode }: UpdateReader): void {
    this.#metrics.faulty(outcome);
    this.#beside.faulty(index, outcome);
    const now = nowUs();
    const id = this.#byIndex[index]?.id;
    if (now < this.#faultyAt || id === undefined) return;
    this.#faultyAt = now + FAULTY_EVERY_US;
    const where = faultCode === 0 ? '' : `attribute ${faultCode}: `;
    this.#notify({ type: 'faulty', id, text: `${where}${fault?.reason}` });
  }

  /** @returns its host, once connections of it are taken; undefined: it is refused, and that is told */
  #welcome(id: number, config: BgpNeighbourConfig): string | undefined {
    try {
      const host = formatHost(addressOf(config.address));
      if (this.#byHost.has(host)) throw new Error(`${config.address} is another neighbour's address already`);
      this.#listeners.add(config);
      return host;
    } catch (error) {
      this.#notify({ type: 'refused', id, message: (error as Error).message });
      return undefined;
    }
  }

  #add(id: number, config: BgpNeighbourConfig): void {
    const host = this.#welcome(id, config);
    if (host === undefined) return;
    const index = this.#tables.addNeighbour(config);
    const neighbour = this.#speaker.add(index, config.session);
    const streams = new Streams(config, neighbour, this);
    const entry = {
      id,
      index,
      config,
      neighbour,
      streams,
      counts: new Float64Array(COUNTS),
      held: { outgoing: undefined, incoming: undefined },
    };
    this.#byId.set(id, entry);
    this.#byIndex[index] = entry;
    this.#beside.add(index, config);
    this.#byHost.set(host, entry);
    if (config.shutdown === undefined) neighbour.start(nowUs());
    this.#metrics.collect(this.#speaker);
  }

  #handleFor(entry: Entry, command: NeighbourCommand): void {
    const { neighbour } = entry;
    const now = nowUs();
    switch (command.type) {
      case 'start':
        neighbour.start(now);
        return;
      case 'stop':
        neighbour.stop(now, cease(CeaseSubcode.administrativeShutdown, command.text));
        return;
      case 'restart':
        neighbour.stop(now, cease(CeaseSubcode.administrativeReset, command.text));
        this.#flush();
        neighbour.start(now);
        return;
      case 'bfd_down':
        this.#bfdDown(entry, false);
        return;
      case 'ask_refresh':
        this.#speaker.askRefresh(entry.index);
        return;
      case 'change':
        this.#tables.change(entry.index, command.routes);
        return;
      case 'remove':
        this.#remove(entry, now);
    }
  }

  /** RFC 9384, RFC 5882 §10.2: the session is over, whatever TCP still hopes for. */
  #bfdDown({ neighbour }: Entry, isOwn: boolean): void {
    const reason = isOwn ? 'a thread of ours is stuck or late, and BFD Down' : 'BFD has found the neighbour Down';
    neighbour.end(nowUs(), cease(CeaseSubcode.bfdDown), reason, isOwn ? 'own_fault' : 'bfd_down');
  }

  #remove(entry: Entry, now: TimeUs): void {
    entry.neighbour.stop(now, cease(CeaseSubcode.peerDeconfigured));
    this.#flush();
    this.#bfd?.leave(entry.index);
    this.#speaker.remove(entry.index);
    this.#tables.removeNeighbour(entry.index);
    this.#beside.remove(entry.index);
    this.#listeners.remove(entry.config);
    this.#byId.delete(entry.id);
    this.#byIndex[entry.index] = undefined;
    this.#byHost.delete(formatHost(addressOf(entry.config.address)));
  }

  #quit(text: string): void {
    this.#listeners.close();
    const now = nowUs();
    for (const { neighbour } of this.#byId.values()) {
      neighbour.stop(now, cease(CeaseSubcode.administrativeShutdown, text));
    }
    this.#flush();
    this.#postNotices();
    this.#bfd?.close();
    this.#beside.close();
    clearTimeout(this.#timer);
    clearTimeout(this.#validation);
  }

  #tellStatus(request: number): void {
    const now = nowUs();
    const neighbours = [...this.#byId.values()].map(({ index, config, neighbour, counts }) => {
      const bfd = this.#bfd?.viewOf(index, config.address);
      return { ...statusOf(config, neighbour, counts, this.#tables.countsOf(index), now), ...(bfd && { bfd }) };
    });
    this.#notify({ type: 'status', request, neighbours });
  }

  #tellRoutes(request: number, query: RouteQuery): void {
    const page = this.#tables.page(query, (index) => this.#byIndex[index]?.config.name);
    this.#notify({ type: 'listed', request, page });
  }

  #accept(descriptor: number, remote: string): void {
    const entry = this.#byHost.get(remote);
    if (entry === undefined) {
      this.#metrics.refused('stranger');
      native.tcpClose(descriptor);
      return;
    }
    if (!entry.streams.accept(descriptor)) this.#metrics.refused('not_wanted');
    this.wake();
  }

  #work(): void {
    this.#isAwake = false;
    let polls = 0;
    while (polls < MOST_POLLS && this.#pollOnce()) polls++;
    if (this.#notices.length > 0) this.#postNotices();
    if (polls === MOST_POLLS) {
      this.wake();
      return;
    }
    this.#arm();
    if (this.#tables.owesValidation) this.#validateSoon();
  }

  #notify(notice: BgpNotice): void {
    this.#notices.push(notice);
    this.wake();
  }

  #postNotices(): void {
    const notices = this.#notices;
    this.#notices = [];
    for (const notice of notices) this.#post(notice);
  }

  /** Once for all that changes within a while. */
  #validateSoon(): void {
    this.#validation ??= setTimeout(() => {
      this.#validation = undefined;
      this.#tables.validateFlows();
      this.wake();
    }, VALIDATION_MS);
  }

  #flush(): void {
    while (this.#pollOnce());
  }

  /** @returns whether there was something to do */
  #pollOnce(): boolean {
    const out = this.#out;
    if (!this.#speaker.poll(nowUs(), out)) return false;
    const entry = this.#byIndex[out.neighbour];
    if (entry === undefined) return true;
    if (out.kind === 'connect') entry.streams.connect();
    else if (out.kind === 'close') entry.streams.close(out.isOutgoing, out.isReset);
    else if (!entry.streams.send(out.isOutgoing, out.buffer.subarray(0, out.length))) {
      // The socket holds on to it.
      entry.held[out.isOutgoing ? 'outgoing' : 'incoming'] = out;
      this.#out = this.#spare.pop() ?? new SpeakerOutput(OUTPUT_BYTES);
      const { outgoing, incoming } = entry.neighbour;
      (out.isOutgoing ? outgoing : incoming).setBlocked(true, nowUs());
    }
    return true;
  }

  #arm(): void {
    const at = this.#speaker.deadline();
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(MOST_WAIT_MS, Math.max(0, Math.ceil((at - nowUs()) / 1000)));
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      // What came while this thread was held up is read first: it may be what was waited for.
      setImmediate(() => {
        this.#speaker.expire(nowUs());
        this.wake();
      });
    }, ms);
  }
}
