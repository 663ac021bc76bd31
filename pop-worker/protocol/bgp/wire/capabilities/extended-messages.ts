import { flagCapability } from './flag.ts';

/** RFC 8654 §3. */
export const extendedMessages = flagCapability(6, 'extended-messages', 'extendedMessages');
