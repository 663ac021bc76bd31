import { decoderStreamError } from '#protocol/qpack/errors.ts';
import { varintLength, writeVarint } from '#protocol/quic/wire/varint.ts';
import { Http3ErrorCode, remoteError } from './errors.ts';
import { PayloadReader } from './varint.ts';

/** RFC 9114 §7.2.4.1, RFC 9204 §5, RFC 9220 §3, RFC 9297 §2.1.1. */
export const SettingId = {
  qpackMaxTableCapacity: 0x01,
  maxFieldSectionSize: 0x06,
  qpackBlockedStreams: 0x07,
  enableConnectProtocol: 0x08,
  h3Datagram: 0x33,
} as const;

/** What one side allows the other. */
export interface Http3Settings {
  /** Bytes as RFC 9114 §4.2.2 counts them; Infinity when not limited. */
  readonly maxFieldSectionBytes: number;
  readonly qpackMaxTableCapacity: number;
  readonly qpackBlockedStreams: number;
  /** Extended CONNECT is understood (RFC 9220 §3; sent by servers). */
  readonly enableConnectProtocol: boolean;
  /** HTTP Datagrams in QUIC DATAGRAM frames are understood (RFC 9297 §2.1.1). */
  readonly h3Datagram: boolean;
}

/** What holds until SETTINGS arrive (RFC 9114 §7.2.4.2). */
export const INITIAL_SETTINGS: Http3Settings = {
  maxFieldSectionBytes: Number.POSITIVE_INFINITY,
  qpackMaxTableCapacity: 0,
  qpackBlockedStreams: 0,
  enableConnectProtocol: false,
  h3Datagram: false,
};

/** More than anybody has reason to send. */
export const MAX_SETTINGS_BYTES = 4096;

const settingsError = (message: string) => remoteError(Http3ErrorCode.settingsError, message);

const flag = (name: string, value: number): boolean => {
  if (value > 1) throw settingsError(`${name} is neither 0 nor 1`);
  return value === 1;
};

/** RFC 9114 §11.2.2: identifiers of HTTP/2 that have no meaning here, but 0x01, which QPACK took. */
const isReservedSetting = (id: number): boolean => id === 0 || (id >= 2 && id <= 5);

/** @throws Http3Error H3_SETTINGS_ERROR or H3_FRAME_ERROR */
export const parseSettings = (buffer: Uint8Array, start: number, end: number): Http3Settings => {
  const reader = new PayloadReader(buffer, start, end);
  const seen = new Set<number>();
  const settings = { ...INITIAL_SETTINGS };
  while (reader.remaining > 0) {
    const id = reader.varint();
    const value = reader.varint();
    if (id < 0 || value < 0) throw remoteError(Http3ErrorCode.frameError, 'truncated setting');
    if (isReservedSetting(id)) throw settingsError(`setting of HTTP/2: ${id}`);
    // Identifiers above 2^53 are rounded, so two that look the same may differ.
    if (seen.has(id) && id <= Number.MAX_SAFE_INTEGER) throw settingsError(`setting ${id} twice`);
    seen.add(id);
    if (id === SettingId.qpackMaxTableCapacity) settings.qpackMaxTableCapacity = value;
    else if (id === SettingId.maxFieldSectionSize) settings.maxFieldSectionBytes = value;
    else if (id === SettingId.qpackBlockedStreams) settings.qpackBlockedStreams = value;
    else if (id === SettingId.enableConnectProtocol)
      settings.enableConnectProtocol = flag('ENABLE_CONNECT_PROTOCOL', value);
    else if (id === SettingId.h3Datagram) settings.h3Datagram = flag('H3_DATAGRAM', value);
  }
  return settings;
};

/**
 * The payload of our SETTINGS frame. Defaults are left out.
 *
 * @param grease N of a reserved identifier 0x1f * N + 0x21 that peers must ignore (RFC 9114 §7.2.4.1)
 */
export const encodeSettings = (settings: Http3Settings, grease: number): Uint8Array => {
  const pairs: number[] = [];
  if (settings.qpackMaxTableCapacity > 0) pairs.push(SettingId.qpackMaxTableCapacity, settings.qpackMaxTableCapacity);
  if (settings.qpackBlockedStreams > 0) pairs.push(SettingId.qpackBlockedStreams, settings.qpackBlockedStreams);
  if (Number.isFinite(settings.maxFieldSectionBytes)) {
    pairs.push(SettingId.maxFieldSectionSize, settings.maxFieldSectionBytes);
  }
  if (settings.enableConnectProtocol) pairs.push(SettingId.enableConnectProtocol, 1);
  if (settings.h3Datagram) pairs.push(SettingId.h3Datagram, 1);
  pairs.push(0x1f * grease + 0x21, grease);
  const out = new Uint8Array(pairs.reduce((sum, value) => sum + varintLength(value), 0));
  pairs.reduce((at, value) => writeVarint(out, at, value), 0);
  return out;
};

/**
 * RFC 9114 §7.2.4.2, RFC 9297 §2.1.1: settings that a client relied on in early data must not have been lowered. The
 * capacity of the dynamic table must be the same, if there was one (RFC 9204 §3.2.3).
 *
 * @throws Http3Error H3_SETTINGS_ERROR, QpackError QPACK_DECODER_STREAM_ERROR
 */
export const checkNotLowered = (remembered: Http3Settings, now: Http3Settings): void => {
  if (
    now.maxFieldSectionBytes < remembered.maxFieldSectionBytes ||
    now.qpackBlockedStreams < remembered.qpackBlockedStreams ||
    (remembered.enableConnectProtocol && !now.enableConnectProtocol) ||
    (remembered.h3Datagram && !now.h3Datagram)
  ) {
    throw settingsError('settings lowered since the session that is resumed');
  }
  if (remembered.qpackMaxTableCapacity > 0 && now.qpackMaxTableCapacity !== remembered.qpackMaxTableCapacity)
    throw decoderStreamError('other table capacity than in the session that is resumed');
};
