/** AF_* (linux/socket.h) of what has routes. */
export const Family = { any: 0, ipv4: 2, ipv6: 10 } as const;

/** Of an address; 0 where the family has none that we know. */
export const addressBytes = (family: number): number => {
  if (family === Family.ipv4) return 4;
  return family === Family.ipv6 ? 16 : 0;
};

export const familyOf = (address: Uint8Array): number => (address.length === 4 ? Family.ipv4 : Family.ipv6);
