/** An address with its prefix length, as text `192.0.2.0/24` has it. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/** @returns 4 or 16 bytes, or undefined when the text is no IP address (zones are not accepted) */
export const parseIpAddress = (text: string): Uint8Array | undefined =>
  text.includes(':') ? parseIpv6(text) : parseIpv4(text);

/** Strict dotted decimal: four numbers, no leading zeros (RFC 6943 §3.1.1). */
export const parseIpv4 = (text: string): Uint8Array | undefined => {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i] as string;
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
};

/** RFC 4291 §2.2, all three forms. */
export const parseIpv6 = (text: string): Uint8Array | undefined => {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  for (const [i, group] of all.entries()) {
    bytes[2 * i] = group >>> 8;
    bytes[2 * i + 1] = group;
  }
  return bytes;
};

const groups = (text: string, mayEndInIpv4: boolean): number[] | undefined => {
  if (text === '') return [];
  const parts = text.split(':');
  const result: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      result.push(Number.parseInt(part, 16));
      continue;
    }
    const ipv4 = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 === undefined) return undefined;
    result.push(((ipv4[0] as number) << 8) | (ipv4[1] as number), ((ipv4[2] as number) << 8) | (ipv4[3] as number));
  }
  return result;
};

/** The canonical text of an address (RFC 5952 §4 for IPv6). @param bytes 4 or 16 */
export const formatIpAddress = (bytes: Uint8Array): string =>
  bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes);

const formatIpv6 = (bytes: Uint8Array): string => {
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number));
  let from = -1;
  let length = 1; // RFC 5952 §4.2.2: one group alone is not shortened.
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && words[i + run] === 0) run++;
    if (run > length) {
      from = i;
      length = run;
    }
  }
  const text = (part: number[]): string => part.map((word) => word.toString(16)).join(':');
  return from < 0 ? text(words) : `${text(words.slice(0, from))}::${text(words.slice(from + length))}`;
};

/** @returns undefined when the text is no prefix, or bits past its length are set */
export const parsePrefix = (text: string): Prefix | undefined => {
  const slash = text.indexOf('/');
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const digits = slash < 0 ? String(address.length * 8) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  if (length > address.length * 8) return undefined;
  for (let bit = length; bit < address.length * 8; bit++) {
    if (((address[bit >> 3] as number) >> (7 - (bit & 7))) & 1) return undefined;
  }
  return { address, length };
};

export const formatPrefix = (prefix: Prefix): string => `${formatIpAddress(prefix.address)}/${prefix.length}`;
