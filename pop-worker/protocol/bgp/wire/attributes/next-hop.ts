import { UpdateSubcode } from '../../errors.ts';
import { u32At } from '../bytes.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, type Malformed, malformed, Outcome, WELL_KNOWN } from './definition.ts';
import { identifierText } from './fixed.ts';

const LENGTH = malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeLength, 'NEXT_HOP is not four bytes');
const NO_HOST = malformed(Outcome.treatAsWithdraw, UpdateSubcode.invalidNextHop, 'next hop is no address of a host');

/** RFC 4271 §5.1.3, §6.3, RFC 7606 §7.3. */
export const nextHop: AttributeRow = {
  code: AttributeCode.nextHop,
  name: 'NEXT_HOP',
  flags: WELL_KNOWN,
  wrongFlags: malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeFlags, 'NEXT_HOP has wrong flags'),
  check: (buffer, start, end) => (end - start === 4 ? checkHost(buffer, start, 4) : LENGTH),
  text: (buffer, start) => identifierText(u32At(buffer, start)),
};

/**
 * Whether an address may be that of a host: neither unspecified nor multicast nor above (RFC 4271 §6.3; RFC 4291 §2.5.2,
 * §2.7). That it is not ours, and reachable, is up to who knows interfaces.
 *
 * @param bytes 4 or 16
 */
export const checkHost = (buffer: Uint8Array, at: number, bytes: number): Malformed | undefined => {
  const first = buffer[at] as number;
  if (bytes === 4) return first === 0 || first >= 224 ? NO_HOST : undefined;
  const isUnspecified =
    (u32At(buffer, at) | u32At(buffer, at + 4) | u32At(buffer, at + 8) | u32At(buffer, at + 12)) === 0;
  return first === 0xff || isUnspecified ? NO_HOST : undefined;
};
