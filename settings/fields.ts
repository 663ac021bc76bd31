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

/** What is wrong with a text that is no prefix. */
const prefixFault = (text: string): string => {
  const [, host = '', length] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bits = 8 * (parseIpAddress(host)?.length ?? 0);
  if (bits === 0) return 'must be a prefix, such as 10.64.0.0/10';
  if (Number(length) > bits) return `must be a prefix: its length is ${bits} at most`;
  return 'must be a prefix: no bits may be set behind its length, as in 10.64.0.0/10';
};

/** With its length, and no bits set behind it. */
export const prefix = z.string().superRefine((text, context) => {
  if (text.includes('/') && parsePrefix(text) !== undefined) return;
  context.addIssue({ code: 'custom', message: prefixFault(text) });
});

/** Who serves NATS: at least one. */
export const natsServers = z.array(z.string().regex(/^(nats|tls):\/\//, 'must be nats://… or tls://…')).min(1);
