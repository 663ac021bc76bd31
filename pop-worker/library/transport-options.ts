import { ADDRESS_WORDS, addressFamily, addressPort } from '#protocol/address.ts';
import { DEFAULT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import { isSupportedVersion, Version } from '#protocol/quic/wire/packet/version.ts';
import { type Check, type Checks, each, mustBe, trueOrFalse, whole } from './options.ts';

/** Settings of connections over their defaults; the congestion controller has an option of its own. */
export type TransportOptions = Partial<Omit<QuicConfig, 'controller'>>;

/** RFC 9000 counts up to 2^62, a number exactly up to this. */
const MOST = Number.MAX_SAFE_INTEGER;
/** Memory that one setting may ask for. */
const GIB = 2 ** 30;
const parameter = whole(0, MOST, 'RFC 9000 §18.2');
const streams = whole(0, MOST, 'RFC 9000 §4.6');
const datagramBytes = whole(1200, 65_527, 'RFC 9000 §14.1, §18.2');

const versions: Check = mustBe(
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isSupportedVersion) && new Set(value).size === value.length,
  `a list of ${Version.v1} (RFC 9000), 0x${Version.v2.toString(16)} (RFC 9369) or both, most wanted first`,
);

const address = (family: 4 | 6): Check =>
  mustBe(
    (value) =>
      value instanceof Int32Array &&
      value.length === ADDRESS_WORDS &&
      addressFamily(value) === family &&
      addressPort(value) !== 0,
    `${ADDRESS_WORDS} words (Int32Array) of an IPv${family} address with a port (RFC 9000 §18.2)`,
  );

const CHECKS: Checks<Omit<QuicConfig, 'controller'>> = {
  versions,
  maxIdleTimeoutMs: whole(0, MOST, 'RFC 9000 §10.1'),
  keepAliveUs: whole(0, MOST, 'RFC 9000 §10.1.2'),
  handshakeTimeoutUs: whole(1, MOST),
  initialDatagramBytes: datagramBytes,
  maxDatagramBytes: datagramBytes,
  initialMaxData: parameter,
  initialMaxStreamDataBidiLocal: parameter,
  initialMaxStreamDataBidiRemote: parameter,
  initialMaxStreamDataUni: parameter,
  initialMaxStreamsBidi: streams,
  initialMaxStreamsUni: streams,
  maxConnectionWindow: whole(0, MOST, 'RFC 9000 §4.1'),
  maxStreamWindow: whole(0, MOST, 'RFC 9000 §4.1'),
  cryptoBufferBytes: whole(4096, GIB, 'RFC 9000 §7.5'),
  maxAckDelayMs: whole(0, 2 ** 14 - 1, 'RFC 9000 §18.2'),
  minAckDelayUs: whole(0, MOST, 'draft-ietf-quic-ack-frequency §3'),
  ackDelayExponent: whole(0, 20, 'RFC 9000 §18.2'),
  activeConnectionIdLimit: whole(2, 65_536, 'RFC 9000 §18.2'),
  maxDatagramFrameSize: whole(0, MOST, 'RFC 9221 §3'),
  datagramQueueBytes: whole(0, GIB),
  datagramQueueCount: whole(0, 2 ** 24),
  maxEarlyPackets: whole(0, 65_536, 'RFC 9000 §5.7'),
  maxEarlyBytes: whole(0, GIB, 'RFC 9000 §5.7'),
  maxSentPackets: mustBe(
    (value) => Number.isInteger(Math.log2(value as number)) && (value as number) >= 256 && (value as number) <= 2 ** 22,
    `a power of two from 256 to ${2 ** 22}`,
  ),
  keyUpdatePackets: whole(1, 2 ** 22, 'RFC 9001 §6.6'),
  greaseQuicBit: trueOrFalse,
  spinBit: trueOrFalse,
  disableActiveMigration: trueOrFalse,
  keepsTls: trueOrFalse,
  followPreferredAddress: trueOrFalse,
  preferredAddress: each<NonNullable<QuicConfig['preferredAddress']>>({ ipv4: address(4), ipv6: address(6) }),
  ecn: trueOrFalse,
};

/** Every setting by itself, and the two sizes together. */
export const transport: Check = (value, option) => {
  each(CHECKS)(value, option);
  const { initialDatagramBytes, maxDatagramBytes } = value as TransportOptions;
  const most = maxDatagramBytes ?? DEFAULT_CONFIG.maxDatagramBytes;
  mustBe((bytes) => (bytes as number) <= most, `at most maxDatagramBytes, which is ${most}`)(
    initialDatagramBytes ?? DEFAULT_CONFIG.initialDatagramBytes,
    `${option}.initialDatagramBytes`,
  );
};
