import { StreamType } from '#protocol/http3/frames.ts';
import type { Http3Observer, Maker } from '#protocol/http3/observer.ts';
import type { Http3Settings } from '#protocol/http3/settings.ts';
import type { Fields as HeaderFields } from '#protocol/qpack/field.ts';
import type { Emit, Fields } from './event.ts';

/** Fields whose values are shown; of all others only that they are there. What carries tokens is never among them. */
const SHOWN = new Set([
  ...[':method', ':scheme', ':authority', ':path', ':protocol', ':status'],
  ...['capsule-protocol', 'proxy-status', 'content-length', 'content-type', 'user-agent', 'server', 'priority'],
]);

const STREAM_NAMES: Readonly<Record<number, string>> = {
  [StreamType.control]: 'control',
  [StreamType.push]: 'push',
  [StreamType.qpackEncoder]: 'qpack_encode',
  [StreamType.qpackDecoder]: 'qpack_decode',
};

/** The largest integer of QUIC that is a client's bidirectional stream, as text: it is beyond what numbers hold. */
const LAST_STREAM = '4611686018427387900';

/** RFC 9114 §7.2.8, §6.2.3: types that mean nothing, of the form 0x1f * N + 0x21. */
const isReserved = (type: number): boolean => type >= 0x21 && (type - 0x21) % 0x1f === 0;

const shown = ({ name, value }: HeaderFields[number]): Fields => {
  if (!SHOWN.has(name)) return { name };
  // A query may hold anything.
  return { name, value: name === ':path' ? (value.split('?', 1)[0] as string) : value };
};

const settingsFields = (settings: Http3Settings): Fields => ({
  ...(Number.isFinite(settings.maxFieldSectionBytes) && { max_field_section_size: settings.maxFieldSectionBytes }),
  max_table_capacity: settings.qpackMaxTableCapacity,
  blocked_streams_count: settings.qpackBlockedStreams,
  extended_connect: settings.enableConnectProtocol ? 1 : 0,
  h3_datagram: settings.h3Datagram ? 1 : 0,
});

/** Names of SETTINGS beside those of `settingsFields`. */
const SETTING_NAMES: Readonly<Record<string, string>> = {
  max_field_section_size: 'settings_max_field_section_size',
  max_table_capacity: 'settings_qpack_max_table_capacity',
  blocked_streams_count: 'settings_qpack_blocked_streams',
  extended_connect: 'settings_enable_connect_protocol',
  h3_datagram: 'settings_h3_datagram',
};

/** Frames, streams and datagrams of HTTP/3 (h3-events §3). */
export class Http3Events implements Http3Observer {
  readonly #emit: Emit;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  streamType(by: Maker, stream: number, type: number | undefined): void {
    const name = type === undefined ? 'request' : (STREAM_NAMES[type] ?? (isReserved(type) ? 'reserved' : 'unknown'));
    const bytes = name === 'unknown' && { stream_type_bytes: type };
    this.#emit('http3:stream_type_set', { initiator: by, stream_id: stream, stream_type: name, ...bytes });
  }

  settings(by: Maker, stream: number, settings: Http3Settings): void {
    const fields = settingsFields(settings);
    this.#emit('http3:parameters_set', { initiator: by, ...fields });
    if (stream < 0) return;
    if (by === 'local') this.streamType(by, stream, StreamType.control);
    const list = Object.entries(fields).map(([name, value]) => ({ name: SETTING_NAMES[name], value }));
    this.#frame(by, stream, { frame_type: 'settings', settings: list });
  }

  headers(by: Maker, stream: number, fields: HeaderFields, bytes: number): void {
    this.#frame(by, stream, { frame_type: 'headers', headers: fields.map(shown), raw: { payload_length: bytes } });
  }

  data(by: Maker, stream: number, bytes: number): void {
    this.#frame(by, stream, { frame_type: 'data', raw: { payload_length: bytes } });
  }

  goaway(by: Maker, stream: number, id: number): void {
    if (stream >= 0) this.#frame(by, stream, { frame_type: 'goaway', id: Number.isFinite(id) ? id : LAST_STREAM });
  }

  other(stream: number, type: number, bytes: number): void {
    const kind = isReserved(type) ? 'reserved' : 'unknown';
    this.#frame('remote', stream, { frame_type: kind, frame_type_bytes: type, raw: { payload_length: bytes } });
  }

  datagram(by: Maker, stream: number, bytes: number): void {
    const what = by === 'local' ? 'created' : 'parsed';
    this.#emit(`http3:datagram_${what}`, { quarter_stream_id: stream / 4, raw: { payload_length: bytes } });
  }

  #frame(by: Maker, stream: number, frame: Fields): void {
    this.#emit(`http3:frame_${by === 'local' ? 'created' : 'parsed'}`, { stream_id: stream, frame });
  }
}
