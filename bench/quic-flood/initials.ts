import { randomFillSync } from 'node:crypto';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { CipherSuite, TAG_BYTES } from '#protocol/quic/ports.ts';
import { writeCryptoHeader } from '#protocol/quic/wire/frames/crypto.ts';
import { patchLength, writeLongHeader } from '#protocol/quic/wire/packet/long.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { Version } from '#protocol/quic/wire/packet/version.ts';
import { DEFAULT_TRANSPORT_PARAMETERS, encodeTransportParameters } from '#protocol/quic/wire/transport-parameters.ts';
import { ALPN } from '../quic-perf/request.ts';

/** RFC 9000 §14.1 */
export const INITIAL_BYTES = 1200;
const CID_BYTES = 8;
const NUMBER_BYTES = 2;

/** A ClientHello that a server takes for a client's that it knows nothing of. */
const clientHello = (scid: Uint8Array): Uint8Array => {
  const parameters = { ...DEFAULT_TRANSPORT_PARAMETERS, initialSourceConnectionId: scid };
  const session = createTlsClientPort({ anyServer: true, groups: 'X25519' }).client({
    serverName: 'perf.test',
    alpn: [ALPN],
    transportParameters: encodeTransportParameters(parameters),
  });
  const event = session.next();
  session.close();
  if (event?.type !== 'crypto') throw new Error('TLS begins with no ClientHello.');
  return event.data;
};

export type InitialKind = 'valid' | 'garbage';

/**
 * Initial packets of 1200 bytes, one behind the other, each of a connection of its own. Those that are `valid` hold one
 * ClientHello and are protected as RFC 9001 §5.2 has it; the others are so up to the packet number, and random from there.
 */
export const makeInitials = (kind: InitialKind, count: number): Uint8Array => {
  const packets = new Uint8Array(count * INITIAL_BYTES);
  const scid = randomFillSync(new Uint8Array(CID_BYTES));
  const hello = clientHello(scid);
  const dcids = randomFillSync(new Uint8Array(count * CID_BYTES));
  const descriptor = new Int32Array(4);
  const number = Float64Array.of(0);
  for (let i = 0; i < count; i++) {
    const at = i * INITIAL_BYTES;
    const dcid = dcids.subarray(i * CID_BYTES, (i + 1) * CID_BYTES);
    const none = new Uint8Array();
    const payload = writeLongHeader(packets, at, PacketType.initial, Version.v1, dcid, scid, none, 0, NUMBER_BYTES);
    const end = at + INITIAL_BYTES;
    patchLength(packets, payload, NUMBER_BYTES, end);
    if (kind === 'garbage') {
      randomFillSync(packets, payload, end - payload);
      continue;
    }
    packets.set(hello, writeCryptoHeader(packets, payload, 0, hello.length));
    descriptor.set([at, payload - at, end - payload - TAG_BYTES, 0]);
    const { client } = opensslCrypto.initialSecrets(Version.v1, dcid);
    opensslCrypto.sealer(Version.v1, CipherSuite.aes128Gcm, client).seal(packets, descriptor, number, 1);
  }
  return packets;
};
