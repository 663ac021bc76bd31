import { TcpListener } from '#host/tcp/listener.ts';
import { TcpStream } from '#host/tcp/stream.ts';
import { addressOf } from '#host/udp/address.ts';
import { end, notify, response, roa } from '#protocol/rpki/testing/cache.ts';
import { PduType } from '#protocol/rpki/wire/pdu.ts';

/** An RPKI cache with real sockets, that knows everything anew at each query. */
export class CacheServer {
  /** Texts as of `roa`; whoever asks is told all. */
  roas: readonly string[];
  /** Types of PDUs that came. */
  readonly asked: number[] = [];
  serial = 1;
  readonly #listener: TcpListener;
  readonly #streams = new Set<TcpStream>();

  /** To be made inside the namespace that it is to be in. @param port 0: any */
  constructor(roas: readonly string[], address = '127.0.0.1', port = 0) {
    this.roas = roas;
    this.#listener = new TcpListener(addressOf(address, port), '', (descriptor) => {
      const stream: TcpStream = new TcpStream(descriptor, {
        received: (bytes) => this.#take(stream, bytes),
        drained: () => {},
        ended: () => this.#streams.delete(stream),
      });
      this.#streams.add(stream);
    });
  }

  get port(): number {
    return (this.#listener.local()[0] as number) >>> 16;
  }

  /** It knows others now, and says so. */
  change(roas: readonly string[]): void {
    this.roas = roas;
    this.serial++;
    for (const stream of this.#streams) stream.write(notify(1, this.serial));
  }

  close(): void {
    this.#listener.close();
    for (const stream of this.#streams) stream.reset();
    this.#streams.clear();
  }

  #take(stream: TcpStream, bytes: Uint8Array): void {
    const type = bytes[1] as number;
    this.asked.push(type);
    const told = this.roas.map((text) => roa(1, text));
    // It keeps no history: what has changed since is all of it.
    if (type === PduType.serialQuery) stream.write(Uint8Array.of(1, PduType.cacheReset, 0, 0, 0, 0, 0, 8));
    else if (type === PduType.resetQuery)
      for (const pdu of [response(1), ...told, end(1, this.serial, { retry: 1 })]) stream.write(pdu);
  }
}
