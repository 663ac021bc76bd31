import type { CipherSuite, EarlyData, Level, TlsEvent } from '#protocol/quic/ports.ts';

/** What the engine tells besides the events of the port. */
export type EngineEvent =
  | TlsEvent
  /** A line in the format of SSLKEYLOGFILE. */
  | { readonly type: 'key-log'; readonly line: string }
  /** What the server had put into the ticket that this session was resumed by. */
  | { readonly type: 'ticket-data'; readonly data: Uint8Array };

/** The kinds of `native/tls.h`. */
const Kind = {
  crypto: 0,
  secret: 1,
  transportParameters: 2,
  alert: 3,
  ticket: 4,
  complete: 5,
  keyLog: 6,
  ticketData: 7,
} as const;

/** Kind, three small numbers, length in four bytes, data (`native/tls-events.c`). */
const HEADER_BYTES = 8;
const EARLY_DATA: readonly EarlyData[] = ['none', 'rejected', 'accepted'];
const text = new TextDecoder();

const decodeComplete = (data: Uint8Array, resumed: number, earlyData: number): TlsEvent => {
  const alpnEnd = 1 + (data[0] ?? 0);
  return {
    type: 'complete',
    alpn: text.decode(data.subarray(1, alpnEnd)),
    resumed: resumed === 1,
    earlyData: EARLY_DATA[earlyData] ?? 'none',
    peerCertificate: data.length > alpnEnd ? data.slice(alpnEnd) : undefined,
  };
};

const decodeEvent = (kind: number, a: number, b: number, data: Uint8Array): EngineEvent => {
  switch (kind) {
    case Kind.crypto:
      return { type: 'crypto', level: a as Level, data };
    case Kind.secret:
      return {
        type: 'secret',
        level: a as Level,
        direction: b === 1 ? 'write' : 'read',
        suite: ((data[0] ?? 0) | ((data[1] ?? 0) << 8)) as CipherSuite,
        secret: data.subarray(2),
      };
    case Kind.transportParameters:
      return { type: 'transport-parameters', data };
    case Kind.alert:
      return { type: 'alert', code: a, reason: text.decode(data), ...(b === 1 && { violation: true }) };
    case Kind.ticket:
      return { type: 'ticket', data: data.slice() };
    case Kind.complete:
      return decodeComplete(data, a, b);
    case Kind.keyLog:
      return { type: 'key-log', line: text.decode(data) };
    default:
      return { type: 'ticket-data', data: data.slice() };
  }
};

/** Reads what `tlsReceive` packed; `crypto`, `secret` and `transport-parameters` are views of it. */
export const decodeEvents = (packed: Uint8Array): EngineEvent[] => {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const events: EngineEvent[] = [];
  for (let at = 0; at < packed.length; ) {
    const start = at + HEADER_BYTES;
    const end = start + view.getUint32(at + 4, true);
    events.push(
      decodeEvent(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), packed.subarray(start, end)),
    );
    at = end;
  }
  return events;
};
