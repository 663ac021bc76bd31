import type { Connection } from '#protocol/bgp/fsm/connection.ts';
import type { Ending } from '#protocol/bgp/fsm/ending.ts';
import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import type { SessionSettings } from '#protocol/bgp/fsm/settings.ts';
import { State } from '#protocol/bgp/fsm/state.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import { OWN } from '#protocol/bgp/rib/route-policy.ts';
import type { UpdateMonitor } from '#protocol/bgp/speaker.ts';
import { Outcome } from '#protocol/bgp/wire/attributes/definition.ts';
import { MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { writeOpen } from '#protocol/bgp/wire/open.ts';
import type { UpdateReader } from '#protocol/bgp/wire/update.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import { dumpRoutes } from '#protocol/mrt/dump.ts';
import type { BmpStationStatus } from '../bmp/setup.ts';
import { BmpStations } from '../bmp/stations.ts';
import type { MrtStatus } from '../mrt/setup.ts';
import { MrtWriter } from '../mrt/writer.ts';
import { RpkiCaches } from '../rpki/caches.ts';
import type { RtrCacheStatus } from '../rpki/setup.ts';
import type { BgpCommand, BgpNotice } from './messages.ts';
import type { MonitoredPeer } from './monitored.ts';
import type { BgpNeighbourConfig, BgpRoutesConfig, BgpThreadSetup } from './setup.ts';

/** How what runs beside the neighbours is; plain, so that it can be posted. */
export interface BesideStatus {
  readonly rpki: readonly RtrCacheStatus[];
  /** Absent where no file was asked for. */
  readonly mrt?: MrtStatus | undefined;
  readonly bmp: readonly BmpStationStatus[];
}

/** What `Beside` is asked. */
export type BesideCommand = Extract<BgpCommand, { type: 'beside' | 'bmp' | 'dump' | 'mrt' | 'rpki' }>;

/** What a BGP speaker has beside its neighbours: RPKI caches, MRT files, and BMP stations. */
export class Beside implements UpdateMonitor {
  readonly caches: RpkiCaches;
  readonly #mrt: MrtWriter;
  readonly #bmp: BmpStations;
  readonly #routes: BgpRoutesConfig;
  readonly #rib: Rib;
  readonly #notify: (notice: BgpNotice) => void;
  /** By index. */
  readonly #peers: (MonitoredPeer | undefined)[] = [];
  readonly #sessions: (SessionSettings | undefined)[] = [];

  /** @param revalidate looks at routes anew, for what the RPKI says has changed */
  constructor(
    { slots: buffer, routes, rpki = [], mrt, bmp = [] }: BgpThreadSetup,
    rib: Rib,
    notify: (notice: BgpNotice) => void,
    revalidate: () => void,
  ) {
    this.#routes = routes;
    this.#rib = rib;
    this.#notify = notify;
    const slots = new Float64Array(buffer);
    this.caches = new RpkiCaches(slots, {
      changed: revalidate,
      failed: (name, message) => notify({ type: 'beside_trouble', name, message }),
    });
    this.caches.set(rpki);
    this.#mrt = new MrtWriter(slots, {
      table: (seconds) => this.#table(seconds),
      trouble: (message) => notify({ type: 'beside_trouble', name: 'mrt', message }),
    });
    this.#mrt.set(mrt);
    this.#bmp = new BmpStations(slots, rib, routes, (name, message) =>
      notify({ type: 'beside_trouble', name, message }),
    );
    this.#bmp.set(bmp);
  }

  /** Who is to hear of UPDATEs; undefined: nobody. */
  get monitor(): UpdateMonitor | undefined {
    return this.#mrt.isListening || this.#bmp.isListening ? this : undefined;
  }

  handle(command: BesideCommand): void {
    switch (command.type) {
      case 'rpki':
        this.caches.set(command.caches);
        return;
      case 'bmp':
        this.#bmp.set(command.stations);
        return;
      case 'mrt':
        this.#mrt.set(command.mrt);
        return;
      case 'dump':
        void this.#dump(command.request, command.file);
        return;
      case 'beside': {
        const beside = { rpki: this.caches.status(), mrt: this.#mrt.status(), bmp: this.#bmp.status() };
        this.#notify({ type: 'beside_told', request: command.request, beside });
      }
    }
  }

  add(index: number, { name, address, port, session }: BgpNeighbourConfig): void {
    const bytes = bytesOf(address);
    this.#peers[index] = {
      ...{ index, name, port, address: bytes, as: session.remoteAs, localAs: session.localAs },
      localAddress: new Uint8Array(bytes.length),
      localPorts: { out: 0, in: 0 },
      asBytes: 4,
      identifier: 0,
      negotiated: undefined,
    };
    this.#sessions[index] = session;
  }

  remove(index: number): void {
    this.#peers[index] = undefined;
  }

  /** There is a connection. @param local text of our address @param isOutgoing we have made it */
  connected(index: number, local: string, port: number, isOutgoing: boolean): void {
    const peer = this.#peers[index];
    const address = bytesOf(local);
    if (peer === undefined || address.length !== peer.address.length) return;
    peer.localAddress = address;
    peer.localPorts[isOutgoing ? 'out' : 'in'] = port;
  }

  changed(index: number, from: State, to: State): void {
    const peer = this.#peers[index];
    if (peer === undefined) return;
    if (this.#mrt.isListening) this.#mrt.changed(peer, from, to);
    if (from !== State.established) return;
    peer.negotiated = undefined;
    this.#bmp.lost(index);
  }

  /** @param connection that is the session */
  up(index: number, negotiated: Negotiated, { isOutgoing, receivedOpen }: Connection): void {
    const peer = this.#peers[index];
    const settings = this.#sessions[index];
    if (peer === undefined || settings === undefined) return;
    peer.negotiated = negotiated;
    peer.identifier = negotiated.remoteIdentifier;
    peer.asBytes = negotiated.rules.asBytes;
    const { address, as, localAddress, localPorts, port } = peer;
    const localPort = localPorts[isOutgoing ? 'out' : 'in'];
    // Where it has connected from is not known.
    const remotePort = isOutgoing ? port : 0;
    const sentOpen = openOf(settings);
    const session = { localAddress, localPort, remotePort, sentOpen, receivedOpen };
    this.#bmp.up({ index, address, as, negotiated, treatedAsWithdraw: 0, ...session });
  }

  updated(index: number, buffer: Uint8Array, start: number, end: number, _update: UpdateReader): void {
    const peer = this.#peers[index];
    if (peer === undefined || !this.#mrt.isListening) return;
    // It is said of a message as a whole; sessions have it for all families or for none.
    const hasPathIds = (peer.negotiated?.rules.pathIdFamilies.length ?? 0) > 0;
    this.#mrt.updated(peer, buffer.subarray(start, end), hasPathIds);
  }

  /** A connection with it is over. */
  ended(index: number, ending: Ending): void {
    if (ending.wasEstablished) this.#bmp.down(index, ending);
  }

  /** An UPDATE had an error. */
  faulty(index: number, outcome: Outcome): void {
    if (outcome === Outcome.treatAsWithdraw) this.#bmp.treatedAsWithdraw(index);
  }

  told(index: number, buffer: Uint8Array, start: number, end: number): void {
    this.#bmp.told(index, buffer, start, end);
  }

  close(): void {
    this.caches.close();
    this.#bmp.close();
    void this.#mrt.close();
  }

  #table(seconds: number): Iterable<Uint8Array> {
    const { identifier, as = 0 } = this.#routes;
    const own = { index: OWN, identifier, address: new Uint8Array(4), as };
    const peers = this.#peers.flatMap((peer) => peer ?? []);
    return dumpRoutes(this.#rib, identifier, [own, ...peers], seconds);
  }

  async #dump(request: number, file: string): Promise<void> {
    const result = await this.#mrt.dump(file).catch((error: Error) => error.message);
    this.#notify({ type: 'dumped', request, result });
  }
}

/** The OPEN that a neighbour is sent. */
const openOf = ({ localAs: as, identifier, holdTimeS, capabilities }: SessionSettings): Uint8Array => {
  const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
  return buffer.slice(0, writeOpen(buffer, 0, { as, identifier, holdTimeS, capabilities }));
};

/** @param text of an address, with its zone or without */
const bytesOf = (text: string): Uint8Array => parseIpAddress(text.split('%')[0] as string) ?? new Uint8Array(4);
