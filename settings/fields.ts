/** Kinds of values that several configuration files have, each with the sentence that says what it must be. */
import { z } from 'zod';
import { parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';

const HOST_PORT = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/;

/** An IPv6 host is in brackets; port 0 is whichever is free. */
export const hostPort = z
  .string()
  .refine((text) => Number(HOST_PORT.exec(text)?.[1] ?? Number.NaN) <= 65_535, 'must be host:port');

/** @param text what `hostPort` took */
export const splitHostPort = (text: string): { host: string; port: number } => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
};

export const ipAddress = z.string().refine((text) => parseIpAddress(text) !== undefined, 'must be an IP address');

/** With its length, and no bits set behind it. */
export const prefix = z
  .string()
  .refine((text) => text.includes('/') && parsePrefix(text) !== undefined, 'must be a prefix, such as 10.64.0.0/10');

/** Who serves NATS: at least one. */
export const natsServers = z.array(z.string().regex(/^(nats|tls):\/\//, 'must be nats://… or tls://…')).min(1);
