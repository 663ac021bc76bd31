import { encodeFieldSection, fieldSectionBound } from '#protocol/qpack/section-encoder.ts';
import type { ConnectionSink, HandshakeInfo } from '#protocol/quic/api.ts';
import { varintLength, writeVarint } from '#protocol/quic/wire/varint.ts';
import type { Http3Options } from '../api.ts';
import { Http3Connection } from '../connection.ts';
import type { MemoryLimits } from './memory-quic.ts';
import { MemoryPair } from './pair.ts';
import { Recorder } from './recorder.ts';

export const bytes = (...parts: (number | readonly number[] | Uint8Array | string)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'number' ? [part] : typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part],
    ),
  );

export const varint = (value: number): Uint8Array => {
  const out = new Uint8Array(varintLength(value));
  writeVarint(out, 0, value);
  return out;
};

export const frame = (type: number, payload: Uint8Array | readonly number[] | string = ''): Uint8Array => {
  const content = bytes(payload);
  return bytes(varint(type), varint(content.length), content);
};

/** 'name: value' lines; a name may begin with a colon. */
export const lines = (...texts: readonly string[]) =>
  texts.map((text) => {
    const at = text.indexOf(':', 1);
    return { name: text.slice(0, at), value: text.slice(at + 1).replace(/^ /, '') };
  });

export const section = (...texts: readonly string[]): Uint8Array => {
  const fields = lines(...texts);
  const out = new Uint8Array(fieldSectionBound(fields));
  return out.subarray(0, encodeFieldSection(fields, out, 0));
};

export const headers = (...texts: readonly string[]): Uint8Array => frame(1, section(...texts));
export const data = (content: string): Uint8Array => frame(0, content);

export const settings = (...pairs: readonly number[]): Uint8Array => frame(4, bytes(...pairs.map(varint)));

export const GET = [':method: GET', ':scheme: https', ':authority: a.example', ':path: /'] as const;

const silent: ConnectionSink = {
  handshakeComplete() {},
  handshakeConfirmed() {},
  streamData(connection, stream, _buffer, start, end) {
    if (end > start) connection.consume(stream, end - start);
  },
  streamReset() {},
  streamStopSending() {},
  streamWritable() {},
  streamClosed() {},
  streamsAvailable() {},
  datagram() {},
  datagramWritable() {},
  ticket() {},
  closed() {},
};

/** An HTTP/3 end against a peer that writes whatever bytes a test likes. */
export class RawPeer {
  readonly pair: MemoryPair;
  readonly recorder = new Recorder();
  readonly http3: Http3Connection;
  readonly #server: boolean;

  constructor(
    options: {
      server?: boolean;
      seed?: number;
      piece?: number;
      http3?: Http3Options;
      earlyData?: HandshakeInfo['earlyData'];
      limits?: Partial<MemoryLimits>;
    } = {},
  ) {
    this.#server = options.server ?? true;
    this.pair = new MemoryPair(options.seed ?? 1, { unidirectionalStreams: 20, ...options.limits }, options.piece);
    this.http3 = new Http3Connection(this.#server ? this.pair.server : this.pair.client, this.recorder, options.http3);
    if (this.#server) this.pair.connect(silent, this.http3.events, options.earlyData);
    else this.pair.connect(this.http3.events, silent, options.earlyData);
    this.pair.run();
  }

  get quic() {
    return this.#server ? this.pair.client : this.pair.server;
  }

  /** Opens a stream with these bytes. @returns its ID */
  open(bidirectional: boolean, content: Uint8Array, fin = false): number {
    const stream = this.quic.openStream(bidirectional);
    this.write(stream, content, fin);
    return stream;
  }

  write(stream: number, content: Uint8Array, fin = false): void {
    this.quic.write(stream, content, fin);
    this.pair.run();
  }

  /** The code the connection was closed with, or 'open'. */
  get outcome(): number | 'open' {
    return this.recorder.closedWith?.code ?? 'open';
  }
}
