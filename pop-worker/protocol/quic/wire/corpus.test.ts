import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { QuicError, TransportError } from '../errors.ts';
import { PacketHeader, parseHeader } from './packet/header.ts';
import { PacketType } from './packet/packet-type.ts';
import { parseVersionNegotiation } from './packet/version-negotiation.ts';
import { embed, parsePayload } from './testing/parse.ts';
import { parseTransportParameters } from './transport-parameters.ts';

const corpus = (name: string) => readCorpus(new URL(`testing/corpus/${name}.json`, import.meta.url));

/** The peer's fault, with one of these codes. */
const refused = (act: () => unknown, codes: readonly number[]): void => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof QuicError && error.fault === 'remote', String(error));
    assert.ok(codes.includes(error.code), `code ${error.code}`);
  }
};

/** The last two for what ends beyond 2^62-1 (RFC 9000 §19.6, §19.8). */
const FRAME_ERRORS = [
  TransportError.frameEncodingError,
  TransportError.protocolViolation,
  TransportError.flowControlError,
  TransportError.cryptoBufferExceeded,
];

test('payloads made of the corpus give frames or an error of their form', () => {
  for (const type of [PacketType.initial, PacketType.zeroRtt, PacketType.oneRtt]) {
    survive(corpus('frames'), (bytes) => refused(() => parsePayload(bytes, type), FRAME_ERRORS));
  }
});

test('datagrams made of the corpus are dropped or have their parts inside, in order', () => {
  const header = new PacketHeader();
  survive(corpus('headers'), (bytes) => {
    const { buffer, start, end } = embed(bytes);
    for (const cidBytes of [0, 8, 20]) {
      if (!parseHeader(buffer, start, end, cidBytes, header)) continue;
      assert.ok(start < header.end && header.end <= end);
      assert.ok(header.packetNumberAt <= header.end && header.dcidStart + header.dcidLength <= header.end);
      if (header.type === PacketType.versionNegotiation) parseVersionNegotiation(buffer, header);
    }
  });
});

test('blocks made of the corpus give parameters or TRANSPORT_PARAMETER_ERROR', () => {
  for (const role of ['client', 'server'] as const) {
    survive(corpus('transport-parameters'), (bytes) =>
      refused(() => parseTransportParameters(bytes, role), [TransportError.transportParameterError]),
    );
  }
});
