import type { Http2Connection } from '#host/http2/connection.ts';
import { Http2Listener } from '#host/http2/listener.ts';
import type { EdgeRequests } from './masque/edge-requests.ts';
import type { ThreadSetup } from './setup.ts';
import { socketFault } from './socket-fault.ts';

/** Of a thread: 4,096 devices, and handshakes that together take a tenth of a second. */
const LIMITS = { connections: 4096, handshakes: 64 };

interface CarrierParts {
  readonly setup: Pick<ThreadSetup, 'listen' | 'threads' | 'tls'>;
  readonly requests: EdgeRequests;
  /** Sends what has come about meanwhile. */
  readonly turnOver: () => void;
}

/** For devices in networks that let no UDP through: the same tunnels by HTTP/2 over TCP, at the same addresses and port. */
export class Carrier {
  readonly requests: EdgeRequests;
  readonly #setup: CarrierParts['setup'];
  readonly #listener: Http2Listener;

  constructor({ setup, requests, turnOver }: CarrierParts) {
    this.#setup = setup;
    this.requests = requests;
    this.#listener = new Http2Listener({ identity: setup.tls, limits: LIMITS, requests, turnOver });
  }

  get size(): number {
    return this.#listener.size;
  }

  get counters(): Http2Listener['counters'] {
    return this.#listener.counters;
  }

  /** @throws OpenError */
  async listen(): Promise<void> {
    const { listen, threads } = this.#setup;
    for (const { address, port } of listen) {
      await this.#listener.listen(address, port, threads > 1).catch((error) => {
        throw socketFault(address, port, 'tcp', error, '[listen]');
      });
    }
  }

  setIdentity(identity: Pick<ThreadSetup['tls'], 'certificate' | 'key'>): void {
    this.#listener.setIdentity(identity);
  }

  drain(): void {
    this.#listener.drain();
  }

  undrain(): void {
    this.#listener.undrain();
  }

  closeWhere(matches: (http: Http2Connection) => boolean): void {
    this.#listener.closeWhere(matches);
  }

  close(): void {
    this.#listener.close();
  }
}
