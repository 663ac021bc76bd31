import type { Parts } from '#protocol/quic/parts.ts';
import { Level } from '#protocol/quic/ports.ts';
import { declared } from '#protocol/quic/transport.ts';
import { DEFAULT_TRANSPORT_PARAMETERS, type TransportParameters } from '#protocol/quic/wire/transport-parameters.ts';
import { type Emit, type Fields, hex } from './event.ts';
import { CIPHERS, version } from './names.ts';

const cid = (bytes: Uint8Array | undefined): string | undefined => bytes && hex(bytes);

/** What a resumed session remembers (quic-events §5.4). */
const limits = (parameters: Partial<TransportParameters>): Fields => ({
  disable_active_migration: parameters.disableActiveMigration,
  max_idle_timeout: parameters.maxIdleTimeoutMs,
  max_udp_payload_size: parameters.maxUdpPayloadSize,
  active_connection_id_limit: parameters.activeConnectionIdLimit,
  initial_max_data: parameters.initialMaxData,
  initial_max_stream_data_bidi_local: parameters.initialMaxStreamDataBidiLocal,
  initial_max_stream_data_bidi_remote: parameters.initialMaxStreamDataBidiRemote,
  initial_max_stream_data_uni: parameters.initialMaxStreamDataUni,
  initial_max_streams_bidi: parameters.initialMaxStreamsBidi,
  initial_max_streams_uni: parameters.initialMaxStreamsUni,
  max_datagram_frame_size: parameters.maxDatagramFrameSize,
});

/** Without the stateless reset token, and so without the preferred address, which is nothing without one. */
const parameterFields = (parameters: Partial<TransportParameters>): Fields => ({
  ...limits(parameters),
  original_destination_connection_id: cid(parameters.originalDestinationConnectionId),
  initial_source_connection_id: cid(parameters.initialSourceConnectionId),
  retry_source_connection_id: cid(parameters.retrySourceConnectionId),
  ack_delay_exponent: parameters.ackDelayExponent,
  max_ack_delay: parameters.maxAckDelayMs,
  grease_quic_bit: parameters.greaseQuicBit,
});

/** What was agreed on: versions, transport parameters, cipher (quic-events §5.1, §5.3, §5.4). */
export class ParameterEvents {
  readonly #parts: Parts;
  readonly #emit: Emit;
  #version = 0;
  #peer: TransportParameters = DEFAULT_TRANSPORT_PARAMETERS;
  #ownSaid = false;
  #suite: string | undefined;

  constructor(parts: Parts, emit: Emit) {
    this.#parts = parts;
    this.#emit = emit;
    const { isServer, keys, handshake } = parts;
    const isBegun = keys.sealer(Level.handshake) !== undefined || handshake.isComplete;
    if (isServer || isBegun || handshake.peer === this.#peer) return;
    // Early data: the limits of the session that is resumed.
    this.#peer = handshake.peer;
    emit('quic:parameters_restored', limits(this.#peer));
  }

  look(): void {
    const { handshake, keys, version: chosen } = this.#parts;
    if (this.#version !== chosen) this.#versions(chosen);
    this.#own();
    if (this.#peer !== handshake.peer) {
      this.#peer = handshake.peer;
      this.#emit('quic:parameters_set', { initiator: 'remote', ...parameterFields(this.#peer) });
    }
    const suite = keys.sealer(Level.oneRtt)?.suite;
    if (suite === undefined || this.#suite === CIPHERS[suite]) return;
    this.#suite = CIPHERS[suite];
    this.#emit('quic:parameters_set', { initiator: 'local', tls_cipher: this.#suite });
  }

  #versions(chosen: number): void {
    const { isServer, config } = this.#parts;
    this.#version = chosen;
    this.#emit('quic:version_information', {
      [isServer ? 'server_versions' : 'client_versions']: config.versions.map(version),
      chosen_version: version(chosen),
    });
  }

  /** A server declares its own when it knows which version the connection is in. */
  #own(): void {
    const { isServer, config, keys, handshake, version: chosen } = this.#parts;
    if (this.#ownSaid || (isServer && keys.sealer(Level.handshake) === undefined && !handshake.isComplete)) return;
    this.#ownSaid = true;
    const server = isServer ? { ...handshake.cids, resetToken: undefined, preferredAddress: undefined } : undefined;
    const own = { ...DEFAULT_TRANSPORT_PARAMETERS, ...declared(config, chosen, handshake.scid, server) };
    this.#emit('quic:parameters_set', { initiator: 'local', ...parameterFields(own) });
  }

  /** Version Negotiation ends the attempt (RFC 9000 §6.2). */
  refused(versions: readonly number[]): void {
    this.#emit('quic:version_information', {
      client_versions: this.#parts.config.versions.map(version),
      server_versions: versions.map(version),
    });
  }
}
