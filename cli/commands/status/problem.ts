import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ControlContact } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { ageText } from '#telemetry/age.ts';

/** What of a worker's contact with its control plane somebody should look at. @returns null: nothing */
export const problemOf = (contact: ControlContact | undefined, nowMs: number): string | null => {
  if (contact === undefined) return null;
  if (contact.refusedRevision !== '') return contact.refusedRevision;
  const expires = contact.revisionExpireTime;
  if (expires !== undefined && timestampMs(expires) < nowMs)
    return `its revision ran out ${ageText(nowMs - timestampMs(expires))} ago`;
  if (!contact.connected && contact.lastError !== '') return contact.lastError;
  return contact.unreadableRecords > 0 ? `it could not read ${contact.unreadableRecords} records` : null;
};
