import { newPdu, PduType } from './pdu.ts';

/** RFC 8210 §5.4: everything, please. */
export const writeResetQuery = (version: number): Uint8Array => newPdu(version, PduType.resetQuery, 0, 8);
