import { RtrErrorCode, remoteError } from '../errors.ts';
import { endOfDataBytes } from './end-of-data.ts';
import { PduType, VERSION_0 } from './pdu.ts';
import { IPV4_PREFIX_BYTES, IPV6_PREFIX_BYTES } from './prefix.ts';
import { checkRouterKey } from './router-key.ts';
import { SERIAL_NOTIFY_BYTES } from './serial-notify.ts';

/** Bytes of each PDU that a cache sends and that has one length. */
const BYTES: Readonly<Record<number, (version: number) => number>> = {
  [PduType.serialNotify]: () => SERIAL_NOTIFY_BYTES,
  [PduType.cacheResponse]: () => 8,
  [PduType.ipv4Prefix]: () => IPV4_PREFIX_BYTES,
  [PduType.ipv6Prefix]: () => IPV6_PREFIX_BYTES,
  [PduType.endOfData]: endOfDataBytes,
  [PduType.cacheReset]: () => 8,
};

/** @throws RtrError when a cache sends no such PDU, or none of that length */
export const checkPdu = (version: number, type: number, length: number): void => {
  if (type === PduType.serialQuery || type === PduType.resetQuery)
    throw remoteError(RtrErrorCode.invalidRequest, 'a query, from a cache');
  if (type === PduType.errorReport) return;
  if (type === PduType.routerKey && version !== VERSION_0) {
    checkRouterKey(length);
    return;
  }
  const bytes = BYTES[type];
  if (bytes === undefined) throw remoteError(RtrErrorCode.unsupportedPduType, `a PDU of type ${type}`);
  if (bytes(version) !== length)
    throw remoteError(RtrErrorCode.corruptData, `a PDU of type ${type} with ${length} bytes`);
};
