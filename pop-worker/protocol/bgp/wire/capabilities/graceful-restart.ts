import { u16At } from '../bytes.ts';
import { familyAt } from '../families.ts';
import { type CapabilityRow, familyBytes, u16Bytes } from './definition.ts';

const RESTARTING = 0x8000;
/** RFC 8538 §2. */
const NOTIFICATION = 0x4000;
const TIME = 0x0fff;
const FORWARDING = 0x80;
const TUPLE_BYTES = 4;

/** RFC 4724 §3: of several instances, the last. */
export const gracefulRestart: CapabilityRow = {
  code: 64,
  name: 'graceful-restart',
  read: (value, draft) => {
    if (value.length < 2 || (value.length - 2) % TUPLE_BYTES !== 0) return false;
    const head = u16At(value, 0);
    const families = [];
    for (let at = 2; at < value.length; at += TUPLE_BYTES) {
      families.push({ family: familyAt(value, at), isForwarding: ((value[at + 3] as number) & FORWARDING) !== 0 });
    }
    draft.gracefulRestart = {
      isRestarting: (head & RESTARTING) !== 0,
      hasNotification: (head & NOTIFICATION) !== 0,
      restartTimeS: head & TIME,
      families,
    };
    return true;
  },
  write: ({ gracefulRestart: restart }) => {
    if (restart === undefined) return [];
    const flags = (restart.isRestarting ? RESTARTING : 0) | (restart.hasNotification ? NOTIFICATION : 0);
    const tuples = restart.families.flatMap(({ family, isForwarding }) => [
      ...familyBytes(family),
      isForwarding ? FORWARDING : 0,
    ]);
    return [[...u16Bytes(flags | Math.min(restart.restartTimeS, TIME)), ...tuples]];
  },
};
