import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { labelValues } from '#telemetry/metrics.ts';
import { type Slots, slotOf } from '#telemetry/slots.ts';
import type { ControlView } from './describe.ts';

const STATES = labelValues('cloudbridge_control_state_count', 'state');
const REFUSALS = labelValues('cloudbridge_control_refused_revisions_total', 'reason');

const LAST_CONTACT = slotOf('cloudbridge_control_last_contact_seconds', {});
const MEMBERSHIP_AGE = slotOf('cloudbridge_control_membership_age_seconds', {});
const REVISION = slotOf('cloudbridge_control_revision_number', {});
const REVISION_LEFT = slotOf('cloudbridge_control_revision_left_seconds', {});
const RECONNECTS = slotOf('cloudbridge_control_reconnects_total', {});
const UNREADABLE = slotOf('cloudbridge_control_unreadable_records_total', {});
const FILES = labelValues('cloudbridge_control_failed_writes_total', 'file');
const FALLBACKS = labelValues('cloudbridge_control_state_fallback_count', 'instead');
const UNSAVED = slotOf('cloudbridge_control_unsaved_seconds', {});
const PEERS = slotOf('cloudbridge_control_peers_count', {});
const PREVIOUS_KEY_PEERS = slotOf('cloudbridge_control_previous_key_peers_count', {});
const REFUSED_PEERS = labelValues('cloudbridge_control_refused_peers_count', 'reason');
const BARRED_ENDPOINTS = slotOf('cloudbridge_control_barred_endpoints_count', {});
const SITE_REPORTS = slotOf('cloudbridge_control_site_reports_total', {});
const LOST_EVENTS = slotOf('cloudbridge_control_lost_events_total', {});

/**
 * Brings the slots up to date.
 *
 * @param view undefined: the worker has no control plane
 * @param sinceMs stands for what never happened, such as the first contact: when the worker started
 * @param nowMs both in milliseconds since 1970
 */
export const writeControlMetrics = (
  slots: Slots,
  view: ControlView | undefined,
  sinceMs: number,
  nowMs: number,
): void => {
  const found = view === undefined ? 'none' : view.contact.connected ? 'connected' : 'disconnected';
  for (const state of STATES) {
    slots[slotOf('cloudbridge_control_state_count', { state })] = state === found ? 1 : 0;
  }
  if (view === undefined) return;
  const { contact, revision } = view;
  const age = (time: Timestamp | undefined): number =>
    Math.max(0, nowMs - (time === undefined ? sinceMs : timestampMs(time))) / 1000;
  slots[LAST_CONTACT] = age(contact.lastContactTime);
  slots[MEMBERSHIP_AGE] = age(contact.membershipTime);
  slots[REVISION] = Number(revision);
  const expires = contact.revisionExpireTime;
  slots[REVISION_LEFT] = expires === undefined ? 0 : (timestampMs(expires) - nowMs) / 1000;
  slots[RECONNECTS] = contact.reconnects;
  slots[UNREADABLE] = contact.unreadableRecords;
  slots[LOST_EVENTS] = contact.lostEvents;
  slots[PEERS] = contact.peers;
  slots[PREVIOUS_KEY_PEERS] = view.previousKeyPeers;
  slots[BARRED_ENDPOINTS] = view.barredEndpoints;
  slots[SITE_REPORTS] = view.siteReports;
  for (const reason of REFUSED_PEERS) {
    slots[slotOf('cloudbridge_control_refused_peers_count', { reason })] = view.refusedPeers.get(reason) ?? 0;
  }
  for (const file of FILES) {
    slots[slotOf('cloudbridge_control_failed_writes_total', { file })] = view.disk[file].failures;
  }
  for (const file of FILES) {
    for (const instead of FALLBACKS) {
      const at = slotOf('cloudbridge_control_state_fallback_count', { file, instead });
      slots[at] = view.disk[file].fallback === instead ? 1 : 0;
    }
  }
  const failing = FILES.map((file) => view.disk[file].failingSinceMs ?? nowMs);
  slots[UNSAVED] = Math.max(0, nowMs - Math.min(...failing)) / 1000;
  for (const reason of REFUSALS) {
    slots[slotOf('cloudbridge_control_refused_revisions_total', { reason })] = contact.refusedRevisions[reason] ?? 0;
  }
};
