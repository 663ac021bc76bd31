import { ErrorCode, OpenSubcode, remoteError } from '../errors.ts';
import { shortAs } from './as-number.ts';
import { u16At, u32At, writeU16, writeU32 } from './bytes.ts';
import type { Capabilities } from './capabilities/definition.ts';
import { encodeCapabilities } from './capabilities/encode.ts';
import { CapabilitiesReader } from './capabilities/parse.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, MessageType, writeHeader } from './header.ts';

/** What an OPEN says (RFC 4271 §4.2). */
export interface Open {
  /** That of the capability of RFC 6793, otherwise of the field; never 0. */
  readonly as: number;
  /** 0, or at least 3. */
  readonly holdTimeS: number;
  /** Never 0 (RFC 6286 §2.1). */
  readonly identifier: number;
  readonly capabilities: Capabilities;
}

const VERSION = 4;
/** Version, My Autonomous System, Hold Time, BGP Identifier and Optional Parameters Length. */
const FIXED_BYTES = 10;
const PARAMETER_CAPABILITIES = 2;
/** RFC 9072 §2: lengths of two bytes follow. */
const PARAMETER_EXTENDED = 255;

/**
 * @param start of the body, of which at least ten bytes are there
 * @throws BgpError remote, OPEN Message Error
 */
export const parseOpen = (buffer: Uint8Array, start: number, end: number): Open => {
  const version = buffer[start] as number;
  if (version !== VERSION) {
    throw openError(OpenSubcode.unsupportedVersion, `version ${version}`, Uint8Array.of(0, VERSION));
  }
  const holdTimeS = u16At(buffer, start + 3);
  // RFC 4271 §6.2: values of one or two seconds must be rejected.
  if (holdTimeS === 1 || holdTimeS === 2) throw openError(OpenSubcode.unacceptableHoldTime, `${holdTimeS} s hold time`);
  const identifier = u32At(buffer, start + 5);
  if (identifier === 0) throw openError(OpenSubcode.badIdentifier, 'BGP identifier is zero');
  const capabilities = parseParameters(buffer, start + FIXED_BYTES - 1, end);
  const as = capabilities.fourOctetAs ?? u16At(buffer, start + 1);
  // RFC 7607 §2.
  if (as === 0) throw openError(OpenSubcode.badPeerAs, 'AS number is zero');
  return { as, holdTimeS, identifier, capabilities };
};

/** @param at where the length of the optional parameters is */
const parseParameters = (buffer: Uint8Array, at: number, end: number): Capabilities => {
  const length = buffer[at] as number;
  const isExtended = length !== 0 && end - at >= 4 && buffer[at + 1] === PARAMETER_EXTENDED;
  let next = isExtended ? at + 4 : at + 1;
  const announced = isExtended ? u16At(buffer, at + 2) : length;
  if (announced !== end - next) throw openError(OpenSubcode.unspecific, 'optional parameters are not of their length');
  const head = isExtended ? 3 : 2;
  const reader = new CapabilitiesReader();
  while (next < end) {
    const body = next + head;
    if (body > end) throw openError(OpenSubcode.unspecific, 'optional parameter is cut');
    const stop = body + (isExtended ? u16At(buffer, next + 1) : (buffer[next + 1] as number));
    if (buffer[next] !== PARAMETER_CAPABILITIES) {
      throw openError(OpenSubcode.unsupportedParameter, `optional parameter ${buffer[next]}`);
    }
    if (stop > end) throw openError(OpenSubcode.unspecific, 'optional parameter is cut');
    reader.read(buffer, body, stop);
    next = stop;
  }
  return reader.capabilities();
};

/**
 * Writes an OPEN with all capabilities in one parameter, of the extended form only when it must be (RFC 9072 §2).
 *
 * @returns the offset behind it
 * @throws RangeError when it would be longer than an OPEN may be
 */
export const writeOpen = (buffer: Uint8Array, at: number, open: Open): number => {
  const body = at + HEADER_BYTES;
  buffer[body] = VERSION;
  // RFC 6793 §4.2.1: AS_TRANS stands for what does not fit.
  writeU16(buffer, body + 1, shortAs(open.as));
  writeU16(buffer, body + 3, open.holdTimeS);
  writeU32(buffer, body + 5, open.identifier);
  const capabilities = encodeCapabilities(open.capabilities);
  const parameters = parametersOf(capabilities);
  const end = body + FIXED_BYTES - 1 + parameters.length;
  if (end - at > MAX_MESSAGE_BYTES) throw new RangeError(`an OPEN of ${end - at} bytes is longer than 4096`);
  buffer.set(parameters, body + FIXED_BYTES - 1);
  return writeHeader(buffer, at, end, MessageType.open);
};

/** With the length before them. */
const parametersOf = (capabilities: readonly number[]): number[] => {
  const { length } = capabilities;
  if (length === 0) return [0];
  if (length + 2 <= 255) return [length + 2, PARAMETER_CAPABILITIES, length, ...capabilities];
  const extended = [PARAMETER_EXTENDED, PARAMETER_EXTENDED, (length + 3) >>> 8, (length + 3) & 0xff];
  return [...extended, PARAMETER_CAPABILITIES, length >>> 8, length & 0xff, ...capabilities];
};

const openError = (subcode: number, message: string, data?: Uint8Array) =>
  remoteError(ErrorCode.open, subcode, message, data);
