import type { ConnectionCounters } from './counters.ts';
import { type QuicError, TransportError } from './errors.ts';
import { FrameType } from './wire/frames/frame-type.ts';

/** RFC 8446 §6.2: by internal_error our TLS says that it takes no more handshake bytes (`host/tls`). */
const TLS_INTERNAL_ERROR = TransportError.cryptoError + 80;

/** What counts an error by which a peer went beyond a limit and ended its connection; `SPEC.md` lists the limits. */
const BY_CODE: Readonly<Record<number, keyof ConnectionCounters>> = {
  [TransportError.flowControlError]: 'exceededFlowControl',
  [TransportError.streamLimitError]: 'exceededStreams',
  [TransportError.connectionIdLimitError]: 'exceededConnectionIds',
  [TransportError.cryptoBufferExceeded]: 'exceededCryptoBuffer',
  [TLS_INTERNAL_ERROR]: 'exceededTlsBytes',
  [TransportError.aeadLimitReached]: 'exceededForgeries',
  // The one fault of a peer that RFC 9000 has no code for: more gaps in a stream than are kept.
  [TransportError.internalError]: 'exceededGaps',
};

/** @returns undefined: the error is about no limit, or our own */
export const exceededBy = ({ code, fault, frameType }: QuicError): keyof ConnectionCounters | undefined => {
  if (fault !== 'remote') return undefined;
  if (code === TransportError.protocolViolation && frameType === FrameType.ack) return 'ackedUnsent';
  return BY_CODE[code];
};
