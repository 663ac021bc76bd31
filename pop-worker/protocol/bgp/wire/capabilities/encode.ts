import type { Capabilities } from './definition.ts';
import { CAPABILITIES } from './table.ts';

/** @returns code, length and value of each capability, one behind the other */
export const encodeCapabilities = (capabilities: Capabilities): number[] =>
  CAPABILITIES.flatMap(({ code, write }) => write(capabilities).flatMap((value) => [code, value.length, ...value]));
