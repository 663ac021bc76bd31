import { Exchange, type Kind } from '#dataplane/exchange/exchange.ts';
import { FenceKeeper } from '#dataplane/fence.ts';
import { Heard } from '#dataplane/handoff/heard.ts';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { bootUs, nowUs } from '#host/clock/clock.ts';
import { native } from '#host/native.ts';
import { systemRandom } from '#host/random/random.ts';
import { Guard } from '#host/thread/guard.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { Mesh } from '#protocol/mesh/mesh.ts';
import type { MeshOut, MeshSink } from '#protocol/mesh/sink.ts';
import type { HandoffPlace } from '#protocol/mesh/wire/hello.ts';
import { RELAYED_HEADER_BYTES } from '#protocol/mesh/wire/packet.ts';
import { DevicePlaces } from './device-places.ts';
import { meshEndpoint } from './endpoint.ts';
import { Knocks } from './knocks.ts';
import { Links, MESH_ALPN } from './links.ts';
import type { MeshCommand, MeshNotice, MeshStatus } from './messages.ts';
import { Packets } from './packets.ts';
import { PrefixTexts } from './prefix-texts.ts';
import { RemoteDevices } from './remote-devices.ts';
import { Serving } from './serving.ts';
import type { MeshPeer, MeshThreadSetup } from './setup.ts';
import { FILTERS, SESSIONS, SharedSessions } from './shared-sessions.ts';
import { MeshTls } from './tls.ts';

const SOCKET_BYTES = 4 << 20;
/** The data plane is looked at so often at least. */
const MOST_WAIT_MS = 25;
/** Of the guard, above what it lends. */
const GUARD_PRIORITY = 2;

/** The mesh of a worker: the core, its links over one socket, and the way to the data plane's threads. */
export class MeshRunner {
  readonly port: number;
  readonly mesh: Mesh;
  readonly links: Links;
  readonly packets: Packets;
  readonly devices: RemoteDevices;
  readonly sessions: SharedSessions;
  /** Whom devices talk to by IPv6. */
  readonly filters: SharedSessions;
  readonly #notify: (notice: MeshNotice) => void;
  readonly #tls: MeshTls;
  readonly #exchange: Exchange;
  readonly #driver: QuicDriver;
  readonly #out: MeshOut;
  readonly #places: DevicePlaces;
  readonly #prefixes: PrefixTexts;
  readonly #knocks: Knocks;
  readonly #fence: FenceKeeper;
  readonly #serving: Serving;
  readonly #heard: Heard | undefined;
  /**
   * The thread is an ordinary one, for it carries tenants' packets. When a machine that is too busy keeps it from its turn, it
   * has real-time priority until it had that: others would take it for dead. Undefined where that is not allowed.
   */
  readonly #guard = Guard.over([native.threadId()], GUARD_PRIORITY);
  /** Turns for which it was lent priority. */
  loans = 0;
  #serves = true;
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #isClosed = false;

  /** @throws Error when the socket cannot be had, or TLS refuses certificate or authority */
  constructor(setup: MeshThreadSetup, notify: (notice: MeshNotice) => void) {
    this.#tls = new MeshTls(setup.tls);
    this.#notify = notify;
    const { member, threads, exchange } = setup;
    this.devices = new RemoteDevices(threads);
    this.#places = new DevicePlaces({
      ...{ setup, remote: this.devices, notify, mesh: () => this.mesh },
      ...{ sessions: () => this.sessions, filters: () => this.filters },
    });
    this.mesh = new Mesh(
      { own: member, incarnation: setup.incarnation, handoff: setup.handoff, random: systemRandom, sink: this.#sink() },
      bootUs(),
    );
    this.#prefixes = new PrefixTexts(this.mesh);
    this.#fence = new FenceKeeper(setup.fence);
    this.#serving = new Serving({ watched: setup.watched, fence: this.#fence }, bootUs());
    this.#heard = setup.heard && new Heard(setup.heard);
    this.#knocks = new Knocks((other) => {
      this.mesh.refused(other, bootUs());
      this.#soon();
    });
    this.#exchange = new Exchange(exchange, threads, RELAYED_HEADER_BYTES);
    const endpoint = meshEndpoint(setup.congestionControl, {
      tls: this.#tls,
      accept: () => this.links.accept(),
      onFault: (error) => this.#fault(error),
    });
    this.links = new Links({
      own: member,
      connect: (remote, serverName, sink) => endpoint.connect({ remote, serverName, alpn: [MESH_ALPN], sink }, nowUs()),
      linked: (other) => {
        this.mesh.linked(other, bootUs());
        this.sessions.linked(other);
        this.filters.linked(other);
        notify({ type: 'linked', member: other, name: this.#nameOf(other) });
        this.#soon();
      },
      unlinked: (other, reason) => {
        this.mesh.unlinked(other, bootUs());
        notify({ type: 'unlinked', member: other, name: this.#nameOf(other), reason });
      },
      refused: (reason) => notify({ type: 'refused', reason }),
      stream: (other, bytes) => {
        this.mesh.stream(other, bytes, bootUs());
        this.#soon();
      },
      datagram: (other, buffer, start, end) => {
        const now = bootUs();
        this.#heard?.note(other, this.mesh.probeIntervalUs, nowUs());
        if (this.packets.receive(other, buffer, start, end, now)) return;
        this.mesh.datagram(other, buffer, start, end, now);
        if (this.mesh.isDue(now)) this.#soon();
      },
      fault: (error) => this.#fault(error),
    });
    const shared = {
      own: member,
      members: () => this.mesh.members,
      room: (other: number) => this.links.get(other)?.room() ?? false,
      send: (other: number, frame: Uint8Array) => this.links.get(other)?.send(frame),
    };
    const toThread = (kind: Kind) => (thread: number, message: Uint8Array) =>
      this.#exchange.send(thread, kind, message, 0, message.length);
    this.sessions = new SharedSessions({
      ...{ ...shared, kind: SESSIONS, toThread: toThread('nat') },
      isReady: (other) => this.mesh.isReady(other),
    });
    this.filters = new SharedSessions({
      ...{ ...shared, kind: FILTERS, toThread: toThread('filters') },
      isReady: (other) => this.mesh.takesFilters(other),
    });
    this.packets = new Packets({
      ...{ own: member, threads, exchange: this.#exchange },
      find: (id, serial) => this.devices.find(id, serial),
      via: (other) => this.mesh.via(other, bootUs()),
      link: (other) => this.links.get(other),
      sessions: (buffer, start, end) => this.sessions.fromThread(buffer, start, end),
      filters: (buffer, start, end) => this.filters.fromThread(buffer, start, end),
      turnOver: () => this.#driver.run(),
      fault: (error) => this.#fault(error),
    });
    this.#out = {
      room: (other) => this.links.get(other)?.room() ?? false,
      stream: (other, frame) => this.links.get(other)?.send(frame),
      datagram: (other, bytes) => this.links.get(other)?.quic?.sendDatagram(bytes, 0, bytes.length),
    };
    const { address, port } = setup.listen;
    const buffers = { receiveBufferBytes: SOCKET_BYTES, sendBufferBytes: SOCKET_BYTES };
    const socket = UdpSocket.open({ address, port, waited: true, ...buffers });
    this.port = addressPort(socket.localAddress());
    this.#driver = new QuicDriver({
      ...{ socket, endpoint },
      afterReceive: () => this.#exchange.flush(),
      afterTurn: () => this.#exchange.flush(),
    });
    this.#exchange.listen(this.packets);
    this.#setPeers(setup.peers);
    this.#run();
  }

  #nameOf(member: number): string {
    return this.links.peer(member)?.name ?? `worker ${member}`;
  }

  #fault(error: unknown): void {
    this.#notify({ type: 'fault', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }

  #sink(): MeshSink {
    return {
      greeted: (member, handoff) => this.#greeted(member, handoff),
      leaseChanged: (isHeld) => this.#notify({ type: 'lease', isHeld }),
      verdict: (member, isDead) => this.#notify({ type: 'verdict', member, isDead }),
      pathChanged: () => {},
      resumed: (gapUs) => this.#notify({ type: 'resumed', gapMs: gapUs / 1000 }),
      presence: (record) => this.#places.learn(record),
      superseded: ({ key }) => this.#places.superseded(key),
      settled: (key, epoch) => this.#places.settled(key, epoch),
      sessions: (_, payload) => this.sessions.receive(payload),
      asked: (other, key) => this.sessions.asked(other, key),
      filters: (_, payload) => this.filters.receive(payload),
      filtersAsked: (other, key) => this.filters.asked(other, key),
    };
  }

  #greeted(member: number, handoff: HandoffPlace | undefined): void {
    const [link, peer] = [this.links.get(member), this.links.peer(member)];
    if (handoff === undefined || link === undefined || peer === undefined) return;
    this.#notify({ type: 'handoff', member, address: peer.address, ...handoff, ...link.secret() });
  }

  /** Does what the main thread says, but for `stop`. */
  handle(command: MeshCommand): void {
    if (command.type === 'attached') this.#places.attached(command.session);
    else if (command.type === 'detached') this.#places.detached(command.session);
    else if (command.type === 'peers') this.#setPeers(command.peers);
    else if (command.type === 'tls') this.#tls.replace(command.tls);
    else if (command.type === 'announces') {
      this.mesh.announces = command.announces;
      this.#prefixes.set(command.prefixes);
    } else if (command.type === 'status') this.#notify({ type: 'status', id: command.id, status: this.status() });
    this.#run();
  }

  #setPeers(peers: readonly MeshPeer[]): void {
    this.mesh.setMembers(
      peers.map(({ member }) => member),
      bootUs(),
    );
    this.links.setPeers(peers);
    this.#knocks.setPeers(peers);
  }

  status(): MeshStatus {
    const now = bootUs();
    const { gossip } = this.mesh;
    return {
      member: this.mesh.own,
      holdsLease: this.mesh.holdsLease(now),
      devices: gossip.table.size - gossip.table.goneCount,
      ownDevices: gossip.localCount,
      peers: this.mesh.status(now).map((peer) => ({
        ...peer,
        name: this.#nameOf(peer.member),
        problem: this.links.problem(peer.member),
      })),
    };
  }

  /** What came may have to be told on: once the turn is over. */
  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#look(bootUs());
    try {
      this.mesh.poll(bootUs(), this.#out);
    } catch (error) {
      this.#fault(error);
    }
    this.sessions.run(bootUs() / 1000);
    this.filters.run(bootUs() / 1000);
    this.#driver.run();
    this.#exchange.flush();
    // By then what lies in the socket is read.
    setImmediate(() => this.#heard?.looked(nowUs()));
    const waitMs = Math.min(MOST_WAIT_MS, Math.max(0, (this.mesh.deadline() - bootUs()) / 1000));
    this.#timer = setTimeout(() => this.#run(), Math.ceil(waitMs));
    this.loans = this.#guard?.due(nowUs() + 1000 * Math.ceil(waitMs)) ?? 0;
  }

  /** Whether the data plane runs, and who says nothing any more. */
  #look(now: number): void {
    const serves = this.#serving.look(now);
    if (serves !== this.#serves) {
      this.#serves = serves;
      this.mesh.setServing(serves, now);
      this.#notify({ type: 'serving', isServing: serves });
    }
    this.#fence.keep(this.mesh.leaseUntil(), this.mesh.mayServe(now), now);
    this.#prefixes.look(now, (shared) => this.#notify({ type: 'others', shared }));
    for (const member of this.mesh.overdue(now)) this.#knocks.knock(member);
    for (const member of this.mesh.members) {
      const moved = this.devices.setWay(member, this.mesh.via(member, now) >= 0);
      for (const session of moved) this.#notify({ type: 'attached', session });
    }
  }

  /** Ends all links; `close` some milliseconds later. */
  closeLinks(): void {
    this.links.close();
    this.#driver.run();
  }

  close(): void {
    this.#isClosed = true;
    this.#guard?.close();
    this.#knocks.close();
    clearTimeout(this.#timer);
    this.#driver.close();
    this.#exchange.close();
  }
}
