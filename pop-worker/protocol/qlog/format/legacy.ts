import { TAG_BYTES } from '#protocol/quic/ports.ts';
import type { Fields, QlogEvent } from '../event.ts';
import { type QlogFormat, textSequence } from './format.ts';

type Change = (data: Fields) => Fields;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const same: Change = (data) => data;

/** `initiator` was called owner. */
const owned: Change = ({ initiator, ...rest }) => ({ owner: initiator, ...rest });

/** Lengths stood in the frame itself, and an error was a name or a number. */
const frame: Change = ({ raw, error, error_code: code, frame_type_bytes: type, ...rest }) => {
  const { length, payload_length: payload = length } = (raw ?? {}) as Fields;
  return {
    ...rest,
    ...(error !== undefined && { error_code: error === 'unknown' ? code : error }),
    ...(type !== undefined && { raw_frame_type: type }),
    ...(payload !== undefined && { length: payload }),
  };
};

/** The payload ended behind the tag. */
const withTag = (raw: unknown): Fields => {
  const { payload_length: payload, ...rest } = raw as Fields;
  return { ...rest, ...(typeof payload === 'number' && { payload_length: payload + TAG_BYTES }) };
};

const packet: Change = ({ frames, raw, ...rest }) => ({
  ...rest,
  ...(raw !== undefined && { raw: withTag(raw) }),
  ...(Array.isArray(frames) && { frames: frames.filter(isFields).map(frame) }),
});

const http: Change = ({ stream_id: id, frame: of }) => {
  const { length, ...rest } = frame(of as Fields);
  // qvis reads the older name as well.
  return { stream_id: id, ...(length !== undefined && { length, byte_length: length }), frame: rest };
};

/** Addresses stood side by side, as those of source and destination. */
const started: Change = ({ local, remote }) => {
  const side = (info: unknown, name: string): Fields => {
    const { ip_v4: v4, ip_v6: v6, port_v4: port4, port_v6: port6, connection_ids: ids } = info as Fields;
    return {
      [`${name}_ip`]: v4 ?? v6,
      [`${name}_port`]: port4 ?? port6,
      [`${name}_cid`]: Array.isArray(ids) ? ids[0] : undefined,
    };
  };
  const family = Object.hasOwn(remote as Fields, 'ip_v6') ? 'ipv6' : 'ipv4';
  return { ip_version: family, ...side(local, 'src'), ...side(remote, 'dst') };
};

const closed: Change = ({ initiator, connection_error: transport, application_error: application, ...rest }) => {
  const { error_code: code, ...others } = rest;
  const value = (name: unknown) => (name === 'unknown' ? code : name);
  return {
    owner: initiator,
    ...(transport !== undefined && { connection_code: value(transport) }),
    ...(application !== undefined && { application_code: value(application) }),
    ...others,
  };
};

const timer: Change = (data) => ({ ...data, ...(data['timer_type'] === 'loss_timeout' && { timer_type: 'ack' }) });
const alpn: Change = ({ chosen_alpn: chosen }) => ({ chosen_alpn: (chosen as Fields)['string_value'] });

/** What the events of `quic` and `http3` were called, and what else was different. What is not here there was not. */
const EVENTS: Readonly<Record<string, readonly [name: string, change: Change]>> = {
  'quic:connection_started': ['connectivity:connection_started', started],
  'quic:connection_closed': ['connectivity:connection_closed', closed],
  'quic:connection_id_updated': ['connectivity:connection_id_updated', owned],
  'quic:spin_bit_updated': ['connectivity:spin_bit_updated', same],
  'quic:connection_state_updated': ['connectivity:connection_state_updated', same],
  'quic:mtu_updated': ['connectivity:mtu_updated', same],
  'quic:version_information': ['transport:version_information', same],
  'quic:alpn_information': ['transport:alpn_information', alpn],
  'quic:parameters_set': ['transport:parameters_set', owned],
  'quic:parameters_restored': ['transport:parameters_restored', same],
  'quic:packet_sent': ['transport:packet_sent', packet],
  'quic:packet_received': ['transport:packet_received', packet],
  'quic:packet_dropped': ['transport:packet_dropped', same],
  'quic:packet_buffered': ['transport:packet_buffered', same],
  'quic:udp_datagrams_sent': ['transport:datagrams_sent', same],
  'quic:udp_datagrams_received': ['transport:datagrams_received', same],
  'quic:key_updated': ['security:key_updated', same],
  'quic:key_discarded': ['security:key_discarded', same],
  'quic:recovery_parameters_set': ['recovery:parameters_set', same],
  'quic:recovery_metrics_updated': ['recovery:metrics_updated', same],
  'quic:congestion_state_updated': ['recovery:congestion_state_updated', same],
  'quic:timer_updated': ['recovery:loss_timer_updated', timer],
  'quic:packet_lost': ['recovery:packet_lost', packet],
  'http3:parameters_set': ['http:parameters_set', owned],
  'http3:stream_type_set': ['http:stream_type_set', owned],
  'http3:frame_created': ['http:frame_created', http],
  'http3:frame_parsed': ['http:frame_parsed', http],
  'loglevel:warning': ['loglevel:warning', same],
};

const record = ({ time, name, data }: QlogEvent): string => {
  const known = EVENTS[name];
  return known === undefined ? '' : textSequence({ time, name: known[0], data: known[1](data) });
};

/** qlog 0.3 (draft-ietf-quic-qlog-main-schema-02 and its fellows) as JSON text sequences: what the tool qvis loads. */
export const legacy: QlogFormat = {
  head: ({ vantage, groupId, wallClock }) =>
    textSequence({
      qlog_version: '0.3',
      qlog_format: 'JSON-SEQ',
      ...(wallClock !== undefined && { description: `began at ${wallClock}` }),
      trace: {
        vantage_point: { name: 'cloudbridge', type: vantage },
        common_fields: {
          ODCID: groupId,
          group_id: groupId,
          protocol_type: ['QUIC', 'HTTP3'],
          reference_time: 0,
          time_format: 'relative',
        },
      },
    }),
  record,
};
