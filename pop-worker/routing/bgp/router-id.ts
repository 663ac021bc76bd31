/** A BGP identifier as people write it: `192.0.2.1`. */
export const formatIpv4 = (value: number): string =>
  [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff].join('.');
