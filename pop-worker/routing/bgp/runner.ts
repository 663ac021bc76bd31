import { randomFillSync } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { native } from '#host/native.ts';
import { CeaseSubcode } from '#protocol/bgp/errors.ts';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import { Speaker } from '#protocol/bgp/speaker.ts';
import { cease } from '#protocol/bgp/wire/cease.ts';
import type { Random, TimeUs } from '#protocol/contract.ts';
import { Beside } from './beside.ts';
import { BfdWatch } from './bfd-watch.ts';
import { BgpMetrics } from './bgp-metrics.ts';
import { Entries, type Entry, hostOf } from './entries.ts';
import { globalBeside } from './link-address.ts';
import { Listeners } from './listeners.ts';
import type { BgpCommand, BgpNotice, RoutesChange } from './messages.ts';
import { MissingNextHops } from './missing-next-hops.ts';
import type { RouteQuery } from './route-list.ts';
import type { RouteTables } from './route-tables.ts';
import type { BgpNeighbourConfig, BgpThreadSetup } from './setup.ts';
import { SpeakerEvents } from './speaker-events.ts';
import { COUNTS, statusOf } from './status.ts';
import { Streams, type StreamsOwner } from './streams.ts';
import { Work } from './work.ts';

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

const random: Random = { fill: (bytes) => randomFillSync(bytes) };

/** All of a BGP thread but the thread: neighbours and what is asked of them, over sockets (`Streams`, `Listeners`), by `Work`. */
export class BgpRunner implements StreamsOwner {
  readonly #tables: RouteTables;
  readonly #speaker: Speaker;
  readonly #listeners: Listeners;
  readonly #metrics: BgpMetrics;
  readonly #entries = new Entries();
  readonly #work: Work;
  readonly #bfd: BfdWatch | undefined;
  readonly #beside: Beside;
  readonly #missing: MissingNextHops;

  /** @param post to the main thread */
  constructor(setup: BgpThreadSetup, tables: RouteTables, post: (notice: BgpNotice) => void) {
    this.#tables = tables;
    const entries = this.#entries;
    const metrics = new BgpMetrics(new Float64Array(setup.slots));
    const notify = (notice: BgpNotice): void => this.#work.notify(notice);
    const beside = new Beside(setup, tables.rib, post, () => {
      tables.revalidate();
      this.wake();
    });
    tables.setValidator(beside.caches);
    const speaker = new Speaker(tables, new SpeakerEvents({ entries, metrics, beside, notify }), random);
    this.#work = new Work({ speaker, entries, tables, post });
    this.#missing = new MissingNextHops(tables, entries, metrics);
    this.#metrics = metrics;
    this.#beside = beside;
    this.#speaker = speaker;
    this.#bfd =
      setup.bfd &&
      new BfdWatch(setup.bfd, {
        failed: (index, isOwn) => {
          const entry = entries.at(index);
          if (entry !== undefined) this.#bfdDown(entry, isOwn);
          this.wake();
        },
        trouble: (index, message) => {
          const id = entries.at(index)?.id;
          if (id !== undefined) notify({ type: 'bfd_trouble', id, message });
        },
      });
    this.#listeners = new Listeners(setup.listen, (descriptor, remote) => this.#accept(descriptor, remote));
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
        this.#setPolicies(command.policies, command.changes);
        break;
      case 'status':
        this.#tellStatus(command.request);
        break;
      case 'list':
        this.#tellRoutes(command.request, command.query);
        break;
      case 'explain': {
        const isEnabled = (index: number): boolean => this.#entries.at(index)?.neighbour.isEnabled === true;
        const explained = this.#tables.explain(command.prefix, isEnabled);
        this.#work.notify({ type: 'explained', request: command.request, explained });
        break;
      }
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
        const entry = this.#entries.withId(command.id);
        if (entry !== undefined) this.#handleFor(entry, command);
      }
    }
    this.wake();
  }

  /** Now and then: what is not counted as it happens. */
  beat(): void {
    this.#metrics.memory(this.#tables.memory);
    this.#missing.look((notice) => this.#work.notify(notice));
  }

  wake(): void {
    this.#work.wake();
  }

  // ---- what sockets tell

  now(): TimeUs {
    return nowUs();
  }

  connected(index: number, local: string, port: number, isOutgoing: boolean): void {
    this.#tables.setLocal(index, local, globalBeside(local));
    this.#beside.connected(index, local, port, isOutgoing);
    const config = this.#entries.at(index)?.config;
    if (config !== undefined) this.#bfd?.connected(index, config, local);
  }

  drained(index: number, isOutgoing: boolean): void {
    this.#work.drained(index, isOutgoing);
  }

  #accept(descriptor: number, remote: string): void {
    const entry = this.#entries.withHost(remote);
    if (entry === undefined) {
      this.#metrics.refused('stranger');
      native.tcpClose(descriptor);
      return;
    }
    if (!entry.streams.accept(descriptor)) this.#metrics.refused('not_wanted');
    this.wake();
  }

  // ---- neighbours

  /** @returns whether connections of it are taken now; that it is refused is told */
  #welcome(id: number, config: BgpNeighbourConfig): boolean {
    try {
      if (this.#entries.withHost(hostOf(config)) !== undefined)
        throw new Error(`${config.address} is another neighbour's address already`);
      this.#listeners.add(config);
      return true;
    } catch (error) {
      this.#work.notify({ type: 'refused', id, message: (error as Error).message });
      return false;
    }
  }

  #add(id: number, config: BgpNeighbourConfig): void {
    if (!this.#welcome(id, config)) return;
    const index = this.#tables.addNeighbour(config);
    const neighbour = this.#speaker.add(index, config.session);
    const streams = new Streams(config, neighbour, this);
    const held = { outgoing: undefined, incoming: undefined };
    this.#entries.add({ id, index, config, neighbour, streams, counts: new Float64Array(COUNTS), held });
    this.#beside.add(index, config);
    if (config.shutdown === undefined) neighbour.start(nowUs());
    this.#metrics.collect(this.#entries.all());
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
        this.#work.flush();
        neighbour.start(now);
        return;
      case 'bfd_down':
        this.#bfdDown(entry, false);
        return;
      case 'ask_refresh':
        this.#speaker.askRefresh(entry.index);
        return;
      case 'change':
        this.#limit(entry, this.#tables.change(entry.index, command.routes), now);
        return;
      case 'bfd':
        entry.config = { ...entry.config, bfd: command.bfd };
        this.#bfd?.changed(entry.index, entry.config);
        return;
      case 'remove':
        this.#remove(entry, now, command.isChanged ?? false);
    }
  }

  #setPolicies(policies: Policies, changes: readonly RoutesChange[]): void {
    const byIndex = changes.flatMap(({ id, routes }) => {
      const index = this.#entries.withId(id)?.index;
      return index === undefined ? [] : [[index, routes] as const];
    });
    const raised = this.#tables.setPolicies(policies, new Map(byIndex));
    const now = nowUs();
    for (const entry of this.#entries.all()) this.#limit(entry, raised.has(entry.index), now);
  }

  /** Holds a neighbour to its limits as they are now. @param isRaised one is higher than before */
  #limit({ neighbour, index }: Entry, isRaised: boolean, now: TimeUs): void {
    neighbour.limited(now, this.#tables.excess(index), isRaised);
  }

  /** RFC 9384, RFC 5882 §10.2: the session is over, whatever TCP still hopes for. */
  #bfdDown({ neighbour }: Entry, isOwn: boolean): void {
    const reason = isOwn ? 'a thread of ours is stuck or late, and BFD Down' : 'BFD has found the neighbour Down';
    neighbour.end(nowUs(), cease(CeaseSubcode.bfdDown), reason, isOwn ? 'own_fault' : 'bfd_down');
  }

  #remove(entry: Entry, now: TimeUs, isChanged: boolean): void {
    const { otherConfigurationChange, peerDeconfigured } = CeaseSubcode;
    entry.neighbour.stop(now, cease(isChanged ? otherConfigurationChange : peerDeconfigured));
    this.#work.flush();
    this.#bfd?.leave(entry.index);
    this.#speaker.remove(entry.index);
    this.#tables.removeNeighbour(entry.index);
    this.#beside.remove(entry.index);
    this.#listeners.remove(entry.config);
    this.#entries.remove(entry);
    this.#metrics.collect(this.#entries.all());
  }

  #quit(text: string): void {
    this.#listeners.close();
    const now = nowUs();
    for (const { neighbour } of this.#entries.all()) {
      neighbour.stop(now, cease(CeaseSubcode.administrativeShutdown, text));
    }
    this.#work.flush();
    this.#work.close();
    this.#bfd?.close();
    this.#beside.close();
  }

  // ---- answers

  #tellStatus(request: number): void {
    const now = nowUs();
    const neighbours = [...this.#entries.all()].map(({ index, config, neighbour, counts }) => {
      const bfd = config.bfd && (this.#bfd?.viewOf(index, config.address) ?? { state: 'unopened', detectionMs: 0 });
      const noNextHop = this.#missing.of(index);
      const status = statusOf(config, neighbour, counts, this.#tables.countsOf(index), now);
      return { ...status, ...(bfd && { bfd }), ...(noNextHop.length > 0 && { noNextHop }) };
    });
    this.#work.notify({ type: 'status', request, neighbours });
  }

  #tellRoutes(request: number, query: RouteQuery): void {
    const page = this.#tables.page(query, (index) => this.#entries.at(index)?.config.name);
    this.#work.notify({ type: 'listed', request, page });
  }
}
