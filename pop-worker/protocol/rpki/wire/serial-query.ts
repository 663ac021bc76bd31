import { writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { newPdu, PduType } from './pdu.ts';

/** RFC 8210 §5.3: what has changed since a serial number? */
export const writeSerialQuery = (version: number, sessionId: number, serial: number): Uint8Array => {
  const pdu = newPdu(version, PduType.serialQuery, sessionId, 12);
  writeU32(pdu, 8, serial);
  return pdu;
};
