import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';
import type { Parts } from '#protocol/quic/parts.ts';
import type { Path } from '#protocol/quic/paths/path.ts';
import { Level } from '#protocol/quic/ports.ts';
import { endpointInfo } from './endpoints.ts';
import type { Emit, Fields } from './event.ts';
import { applicationError, transportError } from './names.ts';
import { type Direction, type HeaderView, tupleOf } from './packets.ts';

/** How far a connection is (quic-events §4.6). */
const stateOf = ({ closer, handshake, keys, isServer }: Parts): string => {
  if (!closer.isOpen) return closer.phase;
  if (handshake.isConfirmed) return 'handshake_confirmed';
  if (handshake.isComplete) return 'handshake_complete';
  if (isServer && keys.sealer(Level.oneRtt) !== undefined) return 'early_write';
  return keys.sealer(Level.handshake) === undefined ? 'attempted' : 'handshake_started';
};

const TRIGGERS: Readonly<Record<CloseInfo['by'], string | undefined>> = {
  idle: 'idle_timeout',
  reset: 'stateless_reset',
  version: 'version_mismatch',
  local: undefined,
  remote: undefined,
};

const closeFields = ({ by, application, code, reason }: CloseInfo): Fields => {
  const trigger = TRIGGERS[by];
  const ended = { initiator: by === 'remote' || by === 'reset' ? 'remote' : 'local', ...(reason !== '' && { reason }) };
  if (trigger !== undefined) return { ...ended, trigger };
  if (application) return { ...ended, ...applicationError('application_error', code), trigger: 'application' };
  return { ...ended, ...transportError('connection_error', code), trigger: code === 0 ? 'unspecified' : 'error' };
};

/** Begin and end, states, connection IDs, paths, MTU, spin bit (quic-events §4, §5.2, §5.19). */
export class ConnectivityEvents {
  readonly #parts: Parts;
  readonly #emit: Emit;
  #state = '';
  #path: Path;
  #validated: boolean;
  #datagramBytes = 0;
  #spin: boolean | undefined;
  readonly #dcid: Record<Direction, string | undefined> = { sent: undefined, received: undefined };

  constructor(parts: Parts, emit: Emit) {
    this.#parts = parts;
    this.#emit = emit;
    const { paths, handshake } = parts;
    this.#path = paths.active;
    this.#validated = paths.active.validated;
    const { local, remote } = paths.active;
    const peer = handshake.peerScid === undefined ? [] : [handshake.peerScid];
    emit('quic:connection_started', {
      local: endpointInfo(local, [handshake.scid]),
      remote: endpointInfo(remote, peer),
    });
    if (paths.active.id !== 0) this.#assign(paths.active);
  }

  look(): void {
    const { paths, recovery } = this.#parts;
    this.#stateNow(stateOf(this.#parts));
    if (this.#path !== paths.active) this.#moved(paths.active);
    else if (this.#validated !== paths.active.validated) {
      this.#validated = paths.active.validated;
      if (this.#path.id !== 0) this.#migration('migration_complete', this.#path);
    }
    const { datagramBytes } = recovery.mtu;
    if (datagramBytes === this.#datagramBytes) return;
    const old = this.#datagramBytes > 0 && { old: this.#datagramBytes };
    this.#emit('quic:mtu_updated', { ...old, new: datagramBytes });
    this.#datagramBytes = datagramBytes;
  }

  #stateNow(state: string): void {
    if (state === this.#state) return;
    const old = this.#state !== '' && { old: this.#state };
    this.#emit('quic:connection_state_updated', { ...old, new: state });
    this.#state = state;
  }

  /** Back to a path that was there before: the move came to nothing (RFC 9000 §9.3.2). */
  #moved(path: Path): void {
    const failed = path.id < this.#path.id && !this.#path.validated;
    if (failed) this.#migration('migration_abandoned', this.#path);
    this.#path = path;
    this.#validated = path.validated;
    if (path.id !== 0) this.#assign(path);
    if (!failed) this.#migration(path.validated ? 'migration_complete' : 'migration_started', path);
  }

  #assign(path: Path): void {
    this.#emit('quic:tuple_assigned', {
      tuple_id: tupleOf(path) ?? '',
      tuple_remote: endpointInfo(path.remote),
      tuple_local: endpointInfo(path.local),
    });
  }

  #migration(state: string, path: Path): void {
    this.#emit('quic:migration_state_updated', { new: state, tuple_id: tupleOf(path) ?? '' });
  }

  /** What the header of a packet on this path shows; other paths have IDs of their own. */
  header(direction: Direction, path: Path, { dcid, spin }: HeaderView): void {
    if (path !== this.#parts.paths.active) return;
    const old = this.#dcid[direction];
    if (old !== dcid) {
      this.#dcid[direction] = dcid;
      // An ID that we send to is the peer's.
      const initiator = direction === 'sent' ? 'remote' : 'local';
      this.#emit('quic:connection_id_updated', { initiator, ...(old !== undefined && { old }), new: dcid });
    }
    if (direction === 'received' || spin === undefined || spin === this.#spin) return;
    this.#spin = spin;
    this.#emit('quic:spin_bit_updated', { state: spin });
  }

  handshakeComplete({ alpn, resumed, earlyData }: HandshakeInfo): void {
    this.#emit('quic:alpn_information', { chosen_alpn: { string_value: alpn } });
    this.#emit('quic:parameters_set', {
      initiator: 'local',
      resumption_allowed: resumed,
      early_data_enabled: earlyData === 'accepted',
    });
  }

  closed(info: CloseInfo): void {
    this.#emit('quic:connection_closed', closeFields(info));
  }
}
