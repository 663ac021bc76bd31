import { u16At } from '../bytes.ts';
import { extendedCommunityText } from '../communities.ts';

/** What is to be done with packets that match a flow specification (RFC 8955 §7). */
export type FlowAction =
  /** At most so many bytes or packets a second; 0: all are dropped. */
  | { readonly kind: 'rate'; readonly unit: 'bytes' | 'packets'; readonly perSecond: number }
  /** Later flow specifications are looked at, too; packets are sampled. */
  | { readonly kind: 'evaluate'; readonly goesOn: boolean; readonly samples: boolean }
  /** To where routes of this target are: `rt:64500:7` */
  | { readonly kind: 'redirect'; readonly target: string }
  | { readonly kind: 'mark'; readonly dscp: number };

/** Both bytes of the type of an extended community (RFC 8955 §7, table 8). */
const Type = { rateBytes: 0x8006, evaluate: 0x8007, mark: 0x8009, ratePackets: 0x800c } as const;
const REDIRECTS = [0x8008, 0x8108, 0x8208];

const COMMUNITY_BYTES = 8;
const GOES_ON = 1;
const SAMPLES = 2;

/** @returns the actions among the extended communities of an attribute, in order; others are passed over */
export const flowActions = (buffer: Uint8Array, start: number, end: number): FlowAction[] => {
  const actions: FlowAction[] = [];
  for (let at = start; at < end; at += COMMUNITY_BYTES) {
    const action = actionAt(buffer, at);
    if (action !== undefined) actions.push(action);
  }
  return actions;
};

const actionAt = (buffer: Uint8Array, at: number): FlowAction | undefined => {
  const type = u16At(buffer, at);
  const last = buffer[at + 7] as number;
  if (type === Type.rateBytes) return rateOf('bytes', buffer, at);
  if (type === Type.ratePackets) return rateOf('packets', buffer, at);
  if (type === Type.evaluate) {
    return { kind: 'evaluate', goesOn: (last & GOES_ON) !== 0, samples: (last & SAMPLES) !== 0 };
  }
  if (type === Type.mark) return { kind: 'mark', dscp: last & 0x3f };
  return REDIRECTS.includes(type) ? { kind: 'redirect', target: targetText(buffer, at) } : undefined;
};

/** §7.1: negative ones are zero. One that is no number cannot be followed. */
const rateOf = (unit: 'bytes' | 'packets', buffer: Uint8Array, at: number): FlowAction | undefined => {
  const perSecond = new DataView(buffer.buffer, buffer.byteOffset + at + 4).getFloat32(0);
  return Number.isNaN(perSecond) ? undefined : { kind: 'rate', unit, perSecond: Math.max(0, perSecond) };
};

/** §7.4: the encoding of a route target, of another type. */
const targetText = (buffer: Uint8Array, at: number): string => {
  const target = buffer.slice(at, at + COMMUNITY_BYTES);
  target[0] = (target[0] as number) & 0x7f;
  target[1] = 2;
  return extendedCommunityText(target, 0);
};

/**
 * The extended community of an action.
 *
 * @param as two low bytes of our AS number, for people to see who limits (§7.1)
 * @throws RangeError when a rate is negative or no number, or a code point more than six bits
 * @public for flow specifications of our own
 */
export const flowActionBytes = (action: Exclude<FlowAction, { kind: 'redirect' }>, as = 0): Uint8Array => {
  const bytes = new Uint8Array(COMMUNITY_BYTES);
  const view = new DataView(bytes.buffer);
  if (action.kind === 'rate') {
    if (!(action.perSecond >= 0)) throw new RangeError(`a rate of ${action.perSecond}`);
    view.setUint16(0, action.unit === 'bytes' ? Type.rateBytes : Type.ratePackets);
    view.setUint16(2, as);
    view.setFloat32(4, action.perSecond);
  } else if (action.kind === 'evaluate') {
    view.setUint16(0, Type.evaluate);
    bytes[7] = (action.goesOn ? GOES_ON : 0) | (action.samples ? SAMPLES : 0);
  } else {
    if (!(action.dscp >= 0 && action.dscp < 64)) throw new RangeError(`a DSCP of ${action.dscp}`);
    view.setUint16(0, Type.mark);
    bytes[7] = action.dscp;
  }
  return bytes;
};
