/** States of a session, as they travel in the State field (RFC 5880 §4.1). */
export const State = { adminDown: 0, down: 1, init: 2, up: 3 } as const;
export type State = (typeof State)[keyof typeof State];

export const STATE_NAMES = ['admin_down', 'down', 'init', 'up'] as const;

/** Why the local state changed last (RFC 5880 §4.1); what a peer may send goes to 31. */
export const Diagnostic = {
  none: 0,
  detectionTimeExpired: 1,
  echoFailed: 2,
  neighbourSignalledDown: 3,
  forwardingPlaneReset: 4,
  pathDown: 5,
  concatenatedPathDown: 6,
  administrativelyDown: 7,
  reverseConcatenatedPathDown: 8,
} as const;
export type Diagnostic = (typeof Diagnostic)[keyof typeof Diagnostic];

const DIAGNOSTIC_TEXTS = [
  'no diagnostic',
  'control detection time expired',
  'echo function failed',
  'neighbour signalled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
] as const;

/** For people; a code that is not assigned yet is its number. */
export const diagnosticText = (code: number): string => DIAGNOSTIC_TEXTS[code] ?? `diagnostic ${code}`;
