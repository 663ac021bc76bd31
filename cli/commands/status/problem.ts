import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { BfdStatus } from '#pop-worker/routing/bfd/service.ts';
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

/** What of its BFD somebody should look at. @returns null: nothing */
export const bfdProblemOf = (bfd: BfdStatus | undefined): string | null => {
  if (bfd === undefined) return null;
  if (bfd.heldBy !== undefined) return `BFD is held down: a ${bfd.heldBy} thread is stuck`;
  const down = bfd.paths.filter(({ state }) => state !== 'up').map(({ remote }) => remote);
  return down.length === 0 ? null : `BFD is not up with ${down.join(', ')}`;
};
