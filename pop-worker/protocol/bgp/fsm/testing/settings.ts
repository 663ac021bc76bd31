import { type Capabilities, NO_CAPABILITIES } from '../../wire/capabilities/definition.ts';
import { Family } from '../../wire/families.ts';
import type { SessionSettings } from '../settings.ts';

export const SECOND = 1e6;

type Changes = Partial<Omit<SessionSettings, 'capabilities'>> & { readonly capabilities?: Partial<Capabilities> };

/** Of AS 64500 with AS 64501, both families. */
export const settingsOf = (changes: Changes = {}): SessionSettings => ({
  localAs: 64500,
  identifier: 0x0a000001,
  remoteAs: 64501,
  holdTimeS: 90,
  connectRetryUs: 5 * SECOND,
  sendHoldUs: 480 * SECOND,
  isPassive: false,
  isRoleStrict: false,
  checksFirstAs: true,
  takesAsSets: false,
  ...changes,
  capabilities: {
    ...NO_CAPABILITIES,
    families: [Family.ipv4Unicast, Family.ipv6Unicast],
    routeRefresh: true,
    enhancedRouteRefresh: true,
    fourOctetAs: changes.localAs ?? 64500,
    ...changes.capabilities,
  },
});

/** The other side's. */
export const mirrored = (settings: SessionSettings, changes: Changes = {}): SessionSettings => ({
  ...settings,
  localAs: settings.remoteAs,
  remoteAs: settings.localAs,
  identifier: 0x0a000002,
  ...changes,
  capabilities: { ...settings.capabilities, fourOctetAs: settings.remoteAs, ...changes.capabilities },
});
