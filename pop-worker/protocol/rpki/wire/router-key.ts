import { RtrErrorCode, remoteError } from '../errors.ts';

/** Header, subject key identifier and AS number. */
const FIXED_BYTES = 32;

/** RFC 8210 §5.10: a key for BGPsec, which we do not speak. @throws RtrError when it is cut */
export const checkRouterKey = (length: number): void => {
  if (length <= FIXED_BYTES) throw remoteError(RtrErrorCode.corruptData, `a Router Key of ${length} bytes`);
};
