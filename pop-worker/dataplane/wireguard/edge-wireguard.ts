import { hkdfSync } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import type { Burst } from '#protocol/burst.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Admission } from '../admission.ts';
import type { DatagramPort } from '../quic-driver.ts';
import type { TunPort } from '../tun-port.ts';
import { WireGuardDriver } from './driver.ts';
import { PeerBook } from './peer-book.ts';
import { WireGuardSessions, type WireGuardSessionsParts } from './sessions.ts';
import type { WireGuardSetup } from './setup.ts';

interface EdgeWireGuardParts extends Omit<WireGuardSessionsParts, 'core' | 'peerOf' | 'mtu' | 'send'> {
  readonly setup: WireGuardSetup;
  readonly socket: DatagramPort;
  readonly admission: Pick<Admission, 'objection'>;
  readonly tunPort: TunPort;
  readonly mayRun: () => boolean;
  readonly afterTurn: () => void;
}

/** All workers that share the static key know each other's cookies. */
const cookieSecretOf = (privateKey: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', privateKey, '', 'cloudbridge wireguard cookies', 32));

/** WireGuard of a data-plane thread: its core between sockets and sessions. */
export class EdgeWireGuard {
  readonly core: WireGuard;
  readonly sessions: WireGuardSessions;
  readonly peers: PeerBook;
  /** Endpoints that moved. */
  moves = 0;
  readonly #driver: WireGuardDriver;
  readonly #tunPort: TunPort;

  constructor(parts: EdgeWireGuardParts) {
    const { setup, socket, admission, tunPort, mayRun, afterTurn } = parts;
    const { privateKey, mtu, mostPeers, handshakesASecond } = setup;
    this.#tunPort = tunPort;
    this.sessions = new WireGuardSessions({
      ...parts,
      ...{ mtu, core: () => this.core, peerOf: (number) => this.peers.get(number) },
      send: (...packet) => this.#driver.send(...packet),
    });
    const { sessions } = this;
    this.core = new WireGuard({
      ...{ privateKey, mtu, handshakesASecond, ports: enginePorts(), random: systemRandom },
      cookieSecret: cookieSecretOf(privateKey),
      isRoutedByCaller: true,
      unixUs: () => Date.now() * 1000,
      sink: {
        packets: (...packets) => sessions.packets(...packets),
        confirmed: (peer) => sessions.confirmed(peer),
        moved: () => void this.moves++,
        expired: (peer) => sessions.expired(peer),
      },
    });
    this.peers = new PeerBook({
      ...{ core: this.core, most: mostPeers },
      isBarred: (admitted) => admission.objection(admitted) !== undefined,
      gone: ({ record }) => sessions.gone(record.number),
    });
    this.#driver = new WireGuardDriver({
      ...{ socket, core: this.core, mayRun, afterTurn },
      take: (burst) => this.#take(burst),
    });
  }

  setPeers(records: readonly WireGuardPeer[]): void {
    this.peers.set(records);
    this.run();
  }

  /** As `PeerBook.review`. */
  review(tenant?: string): void {
    this.peers.review(tenant);
    this.run();
  }

  /** Another worker has or had a device since this time, in milliseconds since 1970: what we begin from now on is later. */
  observe(unixMs: number): void {
    this.core.observeTimestamp((unixMs + 1) * 1000);
  }

  /** Sends what is queued for devices. */
  run(): void {
    this.#driver.run();
  }

  /** Wipes all keys. */
  close(): void {
    this.#driver.close();
    this.core.close();
  }

  /** Packets for the outside are gathered where they were opened, and written before that is used again. */
  #take(burst: Burst): void {
    const { lasting } = this.#tunPort;
    this.#tunPort.lasting = burst.buffer;
    try {
      this.core.handle({ kind: 'datagrams', burst }, nowUs());
    } finally {
      this.#tunPort.flush();
      this.#tunPort.lasting = lasting;
    }
  }
}
