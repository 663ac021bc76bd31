import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ControlView } from '#control/describe.ts';
import { ageText } from '#telemetry/age.ts';
import type { ChecksSettings } from '../checks-settings.ts';

/**
 * Whether the control plane is heard and what it wants is in force. That is shown: whoever merely hears nobody goes on.
 *
 * @returns why not, in words; undefined: it is
 */
export const controlFault = (
  { control_silent_seconds: silentSeconds }: Pick<ChecksSettings, 'control_silent_seconds'>,
  view: ControlView | undefined,
): string | undefined => {
  if (view === undefined) return undefined;
  if (view.contact.refusedRevision !== '') return view.contact.refusedRevision;
  const { silentMs } = view;
  return silentMs > silentSeconds * 1000
    ? `nothing was heard of the control plane for ${ageText(silentMs)}`
    : undefined;
};

/**
 * Whether the revision in force is of use still: it has not run out, and what it says was true a short while ago.
 *
 * @param nowMs milliseconds since 1970, as revisions run out by
 * @returns why not, in words; undefined: it is
 */
export const revisionFault = (
  { revision_age_seconds: mostSeconds }: Pick<ChecksSettings, 'revision_age_seconds'>,
  view: ControlView | undefined,
  nowMs: number,
): string | undefined => {
  if (view === undefined) return undefined;
  const { silentMs } = view;
  if (mostSeconds > 0 && silentMs > mostSeconds * 1000) return `desired state is of ${ageText(silentMs)} ago`;
  const expires = view.contact.revisionExpireTime;
  // A time of day that was set wrong must not withdraw anything.
  if (mostSeconds > 0 || expires === undefined || timestampMs(expires) >= nowMs) return undefined;
  return `its revision ran out ${ageText(nowMs - timestampMs(expires))} ago`;
};
