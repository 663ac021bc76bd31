import { getSystemErrorMap } from 'node:util';
import type { Refusal } from '#protocol/netlink/acknowledgement.ts';

const unknown = ['UNKNOWN', 'unknown error'] as const;

/** The kernel said no; the message has its words. */
export class KernelRefusal extends Error {
  override readonly name = 'KernelRefusal';
  /** Name of the errno, e.g. `EEXIST`. */
  readonly code: string;

  constructor(what: string, { errno, message }: Refusal) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? unknown;
    super(`the kernel refuses ${what}: ${message === undefined || message === '' ? text : message} (${code})`);
    this.code = code;
  }
}

/** Answers were lost: what has become of the requests must be asked for. */
export class NetlinkOverrun extends Error {
  override readonly name = 'NetlinkOverrun';

  constructor() {
    super('answers of the kernel were lost: its socket was full');
  }
}
