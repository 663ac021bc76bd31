import type { Open } from '../wire/open.ts';
import type { SessionSettings } from './settings.ts';

/**
 * Of two connections, that one is kept which the side with the higher identifier made; with equal identifiers, the side
 * with the higher AS number (RFC 4271 §6.8, RFC 6286 §2.3).
 */
export const keepsOutgoing = (ours: SessionSettings, theirs: Open): boolean =>
  ours.identifier === theirs.identifier ? ours.localAs > theirs.as : ours.identifier > theirs.identifier;
