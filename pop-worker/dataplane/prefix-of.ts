import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';

/** A prefix that was read before, by the main thread or from the configuration. @throws RangeError when it is none */
export const prefixOf = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RangeError(`${text} is not a prefix`);
  return prefix;
};
