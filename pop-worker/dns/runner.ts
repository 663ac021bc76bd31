import { nowUs } from '#host/clock/clock.ts';
import { Cookies } from '#protocol/dns/cookies.ts';
import { NameError } from '#protocol/dns/name.ts';
import { RateLimit } from '#protocol/dns/rate-limit.ts';
import { Responder, type Transport } from '#protocol/dns/responder.ts';
import { compileZone, type Zone, type ZoneDescription, ZoneError } from '#protocol/dns/zone.ts';
import type { DnsDefence, DnsListen, DnsNotice } from './setup.ts';
import { TcpServer } from './tcp-server.ts';
import { type Answer, UdpServer } from './udp-server.ts';

/** For a port of the kernel's choice. */
const PORT_TRIES = 5;

/** The sockets of the DNS thread, and what they answer by. */
export class DnsRunner {
  readonly responder: Responder;
  readonly udp: UdpServer[] = [];
  readonly tcp: TcpServer[] = [];
  readonly #notify: (notice: DnsNotice) => void;
  readonly #cookies: Cookies;
  #unwell: ReadonlySet<string> = new Set();
  #faults = 0;

  constructor({ cookieSecret, limitSecret, perSecond }: DnsDefence, notify: (notice: DnsNotice) => void) {
    this.#notify = notify;
    this.#cookies = new Cookies(cookieSecret);
    this.responder = new Responder([], {
      cookies: this.#cookies,
      limit: new RateLimit(limitSecret, perSecond),
    });
    this.tick(Date.now());
  }

  /** The time has gone on; to be told each second. @param wallMs since 1970 */
  tick(wallMs: number): void {
    this.#cookies.nowSeconds = Math.floor(wallMs / 1000);
  }

  /** @returns the ports @throws Error of the system; what was opened before is closed */
  async listen(all: readonly DnsListen[]): Promise<number[]> {
    const ports: number[] = [];
    try {
      for (const where of all) ports.push(await this.#listenAt(where));
    } catch (error) {
      this.close();
      throw error;
    }
    return ports;
  }

  /** Takes zones in place of those before; one that cannot be served is left out and told. */
  setZones(descriptions: readonly ZoneDescription[]): void {
    this.responder.setZones(descriptions.flatMap((description) => this.#compiled(description) ?? []));
  }

  setUnwell(pops: readonly string[]): void {
    const unwell = new Set(pops);
    for (const pop of this.#unwell) if (!unwell.has(pop)) this.responder.setWell(pop, true);
    for (const pop of unwell) this.responder.setWell(pop, false);
    this.#unwell = unwell;
  }

  /** Queries that met a bug of ours. */
  get faults(): number {
    return this.#faults;
  }

  get unwellCount(): number {
    return this.#unwell.size;
  }

  close(): void {
    for (const server of [...this.udp, ...this.tcp]) server.close();
  }

  /** A port of the kernel's choice is one that is free for UDP: where it is not for TCP, another one is tried. */
  async #listenAt(where: DnsListen, tries = where.port === 0 ? PORT_TRIES : 1): Promise<number> {
    const udp = new UdpServer(where, this.#answerBy('udp'));
    const tcp = new TcpServer(this.#answerBy('tcp'));
    try {
      const port = await tcp.listen({ ...where, port: udp.port });
      this.udp.push(udp);
      this.tcp.push(tcp);
      return port;
    } catch (error) {
      udp.close();
      tcp.close();
      if (tries === 1 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return this.#listenAt(where, tries - 1);
    }
  }

  /** A query that meets a bug of ours is not answered; it ends nothing else. The first one is told. */
  #answerBy(transport: Transport): Answer {
    return (bytes, length, from, out) => {
      try {
        return this.responder.answer(bytes, length, from, transport, nowUs(), out);
      } catch (error) {
        this.#faults++;
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        if (this.#faults === 1) this.#notify({ type: 'fault', error: text });
        return 0;
      }
    };
  }

  #compiled(description: ZoneDescription): Zone | undefined {
    try {
      return compileZone(description);
    } catch (error) {
      if (!(error instanceof ZoneError || error instanceof NameError)) throw error;
      this.#notify({ type: 'refused-zone', apex: description.apex, reason: error.message });
      return undefined;
    }
  }
}
