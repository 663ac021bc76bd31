import { randomFillSync } from 'node:crypto';
import { nativeSum } from '#host/checksum/checksum.ts';
import { bootUs, nowUs } from '#host/clock/clock.ts';
import { QlogRecorder } from '#host/qlog/recorder.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { HandshakeDesk } from '#host/tls/handshake-desk.ts';
import { createTlsServerPort, type OpensslServerPort } from '#host/tls/tls-port.ts';
import type { TunDevice } from '#host/tun/device.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { fileFault } from '#telemetry/file-fault.ts';
import { Admission } from './admission.ts';
import { Carrier } from './carrier.ts';
import { CommandHandler } from './command-handler.ts';
import type { Notice } from './commands.ts';
import { Connections } from './connections.ts';
import { Directory } from './directory.ts';
import { edgeEndpointConfig, edgeIdentity, edgeQuicConfig } from './edge-config.ts';
import { Endings } from './endings.ts';
import { RoutableCids } from './exchange/cids.ts';
import { Exchange, MAX_RECORD_BYTES } from './exchange/exchange.ts';
import { OtherThreads, type OwnWork } from './exchange/other-threads.ts';
import { Faults } from './faults.ts';
import { Fence } from './fence.ts';
import { Carriers } from './forward/carriers.ts';
import { Correspondents } from './forward/correspondents.ts';
import { Forwarder } from './forward/forwarder.ts';
import { KernelProbe } from './forward/kernel-probe.ts';
import type { EgressPort } from './forward/ports.ts';
import { HEADROOM } from './forward/session.ts';
import { SharedFilters } from './forward/shared-filters.ts';
import { shownOf, TenantTable } from './forward/tenant-table.ts';
import { type HandedWork, Handoff } from './handoff/handoff.ts';
import { Strays } from './handoff/strays.ts';
import { EdgeRequests } from './masque/edge-requests.ts';
import { IpSessions } from './masque/ip-sessions.ts';
import { resolverOf } from './masque/resolver.ts';
import { Targets } from './masque/targets.ts';
import { TcpProxy } from './masque/tcp-proxy.ts';
import { UdpProxy } from './masque/udp-proxy.ts';
import { EgressNat } from './nat/egress-nat.ts';
import type { NatSetup } from './nat/setup.ts';
import { prefixOf } from './prefix-of.ts';
import { type DatagramPort, QuicDriver } from './quic-driver.ts';
import { refusedTables } from './refused.ts';
import { sessionNotices } from './session-notices.ts';
import type { ThreadSetup } from './setup.ts';
import { Tickets } from './tickets/tickets.ts';
import { type OutsideSink, TunPort } from './tun-port.ts';
import { EdgeWireGuard } from './wireguard/edge-wireguard.ts';

export interface EdgeHosts {
  readonly sockets: DatagramPort;
  /** Undefined: nothing is handed to other workers. */
  readonly handoffSocket: DatagramPort | undefined;
  /** Undefined: devices do not come by WireGuard, or another thread has it. */
  readonly wireguardSocket: DatagramPort | undefined;
  /** Undefined: no IP tunnels. */
  readonly tun: TunDevice | undefined;
  readonly notify: (notice: Notice) => void;
}

const TICK_MS = 1000;
const TELL_MS = 100;
/** Large packets read from the TUN in one go, and how often before other work gets its turn. */
const TUN_SLOTS = 4;
const TUN_TURNS = 16;

/** Without a TUN no session is let in, so that nothing ever comes here. */
const NO_WAY_OUT: EgressPort = { add: () => false };

/** For what comes while nothing may be sent. */
const NOWHERE: OutsideSink = { fromOutside: () => {} };

const randomWord = (): number => randomFillSync(new Uint32Array(1))[0] as number;

const addressOf = (text: string): Uint8Array => prefixOf(text).address;

/** Everything that a data-plane thread does, around one endpoint and one TUN queue. */
export class Edge {
  readonly directory = new Directory();
  readonly admission: Admission;
  readonly faults: Faults;
  readonly connections: Connections;
  readonly qlog: QlogRecorder;
  /** Undefined: no other worker is known, and tickets say nothing of devices. */
  readonly tickets: Tickets | undefined;
  readonly tenants: TenantTable;
  readonly forwarder: Forwarder;
  /** Undefined: there is no TUN. */
  readonly #probe: KernelProbe | undefined;
  readonly tunPort: TunPort | undefined;
  readonly tls: OpensslServerPort;
  readonly sessions: IpSessions;
  readonly targets: Targets;
  readonly udpProxy: UdpProxy;
  readonly tcpProxy: TcpProxy;
  /** Undefined: devices do not come by WireGuard, or another thread has it. */
  readonly wireguard: EdgeWireGuard | undefined;
  readonly endings: Endings;
  readonly requests: EdgeRequests;
  /** Undefined: devices come by UDP alone. */
  readonly carrier: Carrier | undefined;
  readonly endpoint: Endpoint;
  /** Undefined: handshakes are done in this thread. */
  readonly desk: HandshakeDesk | undefined;
  /** Undefined where there is one thread. */
  readonly exchange: Exchange | undefined;
  /** Undefined: what belongs to other workers is not handed to them. */
  readonly handoff: Handoff | undefined;
  readonly cids: RoutableCids;
  readonly #others: OtherThreads | undefined;
  readonly #strays: Strays;
  readonly #fence: Fence | undefined;
  readonly #correspondents: Correspondents | undefined;
  readonly driver: QuicDriver;
  readonly commands: CommandHandler;
  readonly #hosts: EdgeHosts;
  /** The forwarder, with bugs ending no more than the packet that they were met at. */
  readonly #outside: OutsideSink = {
    fromOutside: (packet) => {
      try {
        this.forwarder.fromOutside(packet);
      } catch (error) {
        this.faults.note('packet', error);
      }
    },
  };
  readonly #ticker: NodeJS.Timeout;
  readonly #tellTicker: NodeJS.Timeout | undefined;

  constructor(setup: ThreadSetup, hosts: EdgeHosts) {
    const { worker, tun, proxy } = setup;
    this.#hosts = hosts;
    this.#fence = setup.fence && new Fence(setup.fence, setup.index, bootUs);
    this.faults = new Faults((ended, error) => hosts.notify({ type: 'fault', ended, error }));
    this.qlog = new QlogRecorder((path, error) => {
      hosts.notify({ type: 'qlog-failed', path, reason: fileFault(error) });
    });
    const policy = { deny: proxy.refused.map(prefixOf), allow: proxy.allowed.map(prefixOf) };
    this.tunPort = hosts.tun && new TunPort(hosts.tun, TUN_SLOTS);
    const router4 = addressOf(tun.router4);
    this.cids = new RoutableCids(setup.cids, setup.index, systemRandom);
    this.exchange = setup.exchange && new Exchange(setup.exchange, setup.index, HEADROOM);
    const work = this.#ownWork();
    this.#others = this.exchange && new OtherThreads(this.exchange, work, HEADROOM + MAX_RECORD_BYTES);
    this.handoff =
      setup.handoff &&
      hosts.handoffSocket &&
      new Handoff(setup.handoff, setup.index, hosts.handoffSocket, HEADROOM, work);
    this.#strays = new Strays(this.cids, setup.index, this.#others, this.handoff, setup.tls.resetKey);
    const carriers = new Carriers(prefixOf(tun.carriers), router4, setup.index, setup.threads);
    const nat = setup.nat && this.#makeNat(setup, setup.nat);
    this.#correspondents = tun.enabled && tun.routed6 ? this.#makeCorrespondents(setup) : undefined;
    this.#correspondents?.tick(Math.floor(nowUs() / 1e6));
    const notices = this.exchange && sessionNotices(setup.index, hosts.notify);
    this.tenants = new TenantTable(carriers, notices, nat, this.#correspondents);
    this.admission = new Admission(this.directory, Date.now, this.tenants);
    const clocks = { nowMs: Date.now, nowSeconds: () => nowUs() / 1e6 };
    this.tickets = this.#fence && new Tickets({ admission: this.admission, ...clocks });
    this.connections = new Connections(this.faults, (quic) => this.qlog.http3Of(quic), this.tickets);
    this.#probe =
      this.tunPort &&
      new KernelProbe(tun.probes, this.tunPort, (answer) => hosts.notify({ type: 'probed', ...answer }));
    this.forwarder = new Forwarder({
      ...{ tenants: this.tenants, probe: this.#probe },
      egress: this.tunPort ?? NO_WAY_OUT,
      refused: refusedTables(policy.deny, policy.allow),
      router4,
      router6: addressOf(tun.router6),
      sum: nativeSum,
      thread: setup.index,
      threads: this.#others,
      dataThreads: setup.threads,
    });
    const { admission, forwarder, tenants, faults } = this;
    const { notify } = hosts;
    const common = { admission, forwarder, tenants, faults, notify };
    this.sessions = new IpSessions({
      ...common,
      proxyName: worker,
      served: tun.enabled,
      settles: this.#fence !== undefined,
      tickets: this.tickets,
    });
    const resolve = proxy.resolvers.length === 0 ? {} : { resolve: resolverOf(proxy.resolvers) };
    this.targets = new Targets({ admission, policy, tenants, ...resolve });
    this.udpProxy = new UdpProxy(this.targets, worker, Date.now, faults);
    this.tcpProxy = new TcpProxy(this.targets, worker, faults);
    this.wireguard = this.#makeWireGuard(setup);
    const byWireGuard = this.wireguard === undefined ? [] : [this.wireguard.sessions];
    this.endings = new Endings([this.sessions, ...byWireGuard, this.udpProxy, this.tcpProxy]);
    const { sessions: ip, udpProxy: udp, tcpProxy: tcp, connections } = this;
    this.requests = new EdgeRequests({ ip, udp, tcp, connections });
    this.carrier = setup.tcp
      ? new Carrier({ setup, requests: new EdgeRequests({ ip, udp, tcp }), turnOver: work.turnOver })
      : undefined;
    this.desk = setup.handshakeThreads > 0 ? new HandshakeDesk(setup.handshakeThreads) : undefined;
    const earlyData = this.tickets !== undefined;
    const tls = createTlsServerPort({ ...edgeIdentity(setup.tls), alpn: ['h3'], desk: this.desk, earlyData });
    this.tls = tls;
    this.endpoint = this.#makeEndpoint(setup, tls);
    this.driver = new QuicDriver({
      socket: hosts.sockets,
      endpoint: this.endpoint,
      headroom: HEADROOM,
      mayRun: () => this.#mayRun(),
      afterReceive: () => {
        this.tunPort?.flush();
        this.handoff?.flush();
      },
      afterTurn: () => {
        this.wireguard?.run();
        this.exchange?.flush();
        this.handoff?.flush();
      },
    });
    const { directory, targets, sessions, endings, driver, endpoint, qlog } = this;
    this.commands = new CommandHandler({
      ...{
        index: setup.index,
        directory,
        admission,
        tenants,
        forwarder,
        forwarding: forwarder.policy,
        targets,
        own: policy,
      },
      ...{ endings, sessions, connections, endpoint, qlog, tls, run: () => driver.run() },
      ...{ cids: this.cids, handoff: this.handoff, carrier: this.carrier, epochs: this.tickets?.epochs },
      ...{ wireguard: this.wireguard, isLate: () => this.#fence?.isLate === true, notify: hosts.notify },
    });
    this.exchange?.listen(this.#others as OtherThreads);
    const { tunPort } = this;
    if (tunPort !== undefined) {
      tunPort.lasting = this.driver.receiveBuffer;
      hosts.tun?.onReadable(() => this.#fromTun(tunPort));
    }
    if (nat !== undefined || this.#correspondents?.shared !== undefined)
      this.#tellTicker = setInterval(() => faults.guard('timer', () => this.#tell()), TELL_MS);
    this.#ticker = setInterval(() => faults.guard('timer', () => this.#tick()), TICK_MS);
  }

  /**
   * Whoever was given up ends all that it had before it does anything else, and whoever was stopped waits until it knows how it
   * stands.
   */
  #mayRun(): boolean {
    const fence = this.#fence;
    if (fence === undefined) return true;
    if (fence.isDown) fence.obey(() => this.#endAll('the worker hung and was given up'));
    return fence.mayServe();
  }

  #endAll(reason: string): void {
    this.connections.endAll(reason);
    this.wireguard?.sessions.endAll(reason);
  }

  /** Devices that are here by IP tunnels. */
  get sessionCount(): number {
    return this.sessions.size + (this.wireguard?.sessions.size ?? 0);
  }

  /** Sends probes through the kernel. */
  probe(nonce: number, versions: readonly (4 | 6)[]): void {
    this.#probe?.send(nonce, versions);
    this.tunPort?.flush();
  }

  /** A turn with nothing to do: without it an idle thread could not be told from one that was stopped. */
  beat(): void {
    this.faults.guard('timer', () => this.#mayRun());
  }

  /** What came to another thread or worker is done as if it had come here. */
  #ownWork(): OwnWork & HandedWork {
    return {
      datagrams: (burst, handed) => {
        if (!this.#mayRun()) return;
        this.wireguard?.takeHanded(burst, handed);
        if (burst.count > 0) this.endpoint.handle(burst, nowUs());
      },
      answered: (...answer) => {
        if (this.#mayRun()) this.wireguard?.answered(...answer);
      },
      outside: (packet) => {
        if (this.#mayRun()) this.forwarder.fromOutsideByThread(packet);
      },
      inner: (...packet) => {
        if (this.#mayRun()) this.forwarder.fromThread(...packet);
      },
      nat: (...message) => void this.tenants.nat?.take(...message),
      filters: (...message) => void this.#correspondents?.take(...message),
      turnOver: () => {
        this.tunPort?.flush();
        this.driver.run();
      },
      fault: (error) => this.faults.note('packet', error),
    };
  }

  #makeWireGuard({ wireguard, index, threads }: ThreadSetup): EdgeWireGuard | undefined {
    const { tunPort, admission, forwarder, tenants, faults } = this;
    const { wireguardSocket: socket, notify } = this.#hosts;
    if (wireguard === undefined || socket === undefined || tunPort === undefined) return undefined;
    return new EdgeWireGuard({
      ...{ setup: wireguard, socket, tunPort, admission, forwarder, tenants, faults, notify },
      ...{ settles: this.#fence !== undefined, handoff: this.handoff, index, threads },
      others: threads > 1 ? this.#others : undefined,
      endFor: (ended, reason) => this.endings.endWhere(({ session }) => session === ended, reason),
      mayRun: () => this.#mayRun(),
      afterTurn: () => this.driver.run(),
    });
  }

  /** What it has to say goes to the mesh's thread, which comes behind those of the data plane. */
  #makeNat({ index, threads }: ThreadSetup, setup: NatSetup): EgressNat {
    const nat = new EgressNat({
      ...{ setup, thread: index, threads, random: systemRandom },
      send: (message) => this.#others?.nat(threads, message) ?? false,
      reassigned: (session) => sessionNotices(index, this.#hosts.notify).attached(shownOf(session)),
    });
    nat.tick(nowUs() / 1000);
    return nat;
  }

  /** Where there is a mesh, it is told of them. */
  #makeCorrespondents({ threads, fence }: ThreadSetup): Correspondents {
    const send = (message: Uint8Array): boolean => this.#others?.filters(threads, message) ?? false;
    return new Correspondents(randomWord(), fence && new SharedFilters(send));
  }

  /** What is told to other workers leaves. */
  #tell(): void {
    this.tenants.nat?.tick(nowUs() / 1000);
    this.#correspondents?.tell();
    this.exchange?.flush();
  }

  /** What was read is sent before more is read: it is still in the cache then, and queues have room again. */
  #fromTun(tunPort: TunPort): void {
    for (let turn = 0; !this.#mayRun(); turn++) if (turn === TUN_TURNS || !tunPort.read(NOWHERE, 1)) return;
    for (let turn = 0; turn < TUN_TURNS; turn++) {
      const more = tunPort.read(this.#outside, 1);
      this.driver.run(turn > 0);
      if (!more) return;
    }
  }

  #makeEndpoint({ tls: { tokenKey, resetKey }, congestionControl }: ThreadSetup, tls: OpensslServerPort): Endpoint {
    return new Endpoint({
      config: edgeEndpointConfig(nowUs(), Date.now()),
      quic: { ...edgeQuicConfig(congestionControl), keepsTls: this.tickets !== undefined },
      crypto: opensslCrypto,
      tls,
      random: systemRandom,
      fillCid: (cid) => this.cids.fill(cid),
      ...((this.#others ?? this.handoff) && { stray: (...datagram) => this.#strays.take(...datagram) }),
      tokenKey,
      ...(resetKey !== undefined && { resetKey }),
      ...(this.handoff && { resetKeyOf: (cid) => this.#strays.resetKeyOf(cid) }),
      ...(this.tickets && { welcomesEarlyData: (data: Uint8Array) => this.tickets?.welcome.welcomes(data) === true }),
      accept: () => this.connections.accept(this.requests),
      onFault: (error) => this.faults.note('connection', error),
      observe: (connection) => this.qlog.observe(connection),
    });
  }

  /** What expires. */
  #tick(): void {
    const nowSeconds = Date.now() / 1000;
    this.endings.endWhere(({ admitted }) => admitted.expiresAt <= nowSeconds, 'expired');
    this.udpProxy.expire();
    this.tickets?.tick();
    this.#correspondents?.tick(Math.floor(nowUs() / 1e6));
  }

  /** Tells all peers that it is over. */
  closeConnections(): void {
    this.connections.closeAll('the worker stops');
    this.carrier?.close();
    this.driver.run();
  }

  /** Ends everything at once. */
  close(): void {
    clearInterval(this.#ticker);
    clearInterval(this.#tellTicker);
    void this.qlog.stop();
    this.driver.close();
    this.exchange?.close();
    this.handoff?.close();
    this.wireguard?.close();
    this.desk?.close();
    this.carrier?.close();
    this.#hosts.tun?.close();
  }
}
