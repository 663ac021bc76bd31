import { lookup } from 'node:dns/promises';
import type { RequestHead } from '#protocol/http3/message.ts';
import { formatIpAddress, parseIpAddress } from '#protocol/ip/text.ts';
import type { Refusal } from '#protocol/masque/proxy-status.ts';
import type { Target } from '#protocol/masque/target.ts';
import { prohibition, type TargetPolicy } from '#protocol/masque/target-policy.ts';
import type { Admission, Admitted } from '../admission.ts';
import { bearerOf } from './ip-sessions.ts';

/** A name's addresses. @throws an Error with the resolver's code */
export type Resolve = (name: string) => Promise<readonly Uint8Array[]>;

const bySystem: Resolve = async (name) => {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.flatMap(({ address }) => parseIpAddress(address) ?? []);
};

export interface TargetsOptions {
  readonly admission: Admission;
  readonly policy: TargetPolicy;
  readonly resolve?: Resolve;
  /** Tunnels of one device at once, UDP and TCP together. */
  readonly maxPerDevice?: number;
}

/** A target that may be reached; `release` when the tunnel to it is over. */
export interface Granted {
  readonly admitted: Admitted;
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
  readonly release: () => void;
}

/** Decides who may be proxied where: token, number of tunnels, and the addresses that a name has at this moment. */
export class Targets {
  /** May be replaced at any time; tunnels that are open go on. */
  policy: TargetPolicy;
  readonly #options: TargetsOptions;
  readonly #open = new Map<string, number>();

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.policy = options.policy;
  }

  async grant(target: Target, head: RequestHead): Promise<Granted | Refusal> {
    const admitted = await this.#options.admission.admit(bearerOf(head));
    if ('status' in admitted)
      return { error: 'http_request_denied', details: admitted.reason, status: admitted.status };
    if (!admitted.egress) return { error: 'http_request_denied', details: 'the network has no egress' };
    const key = `${admitted.tenant}/${admitted.device}`;
    const count = this.#open.get(key) ?? 0;
    if (count >= (this.#options.maxPerDevice ?? 1000)) return { error: 'connection_limit_reached' };
    this.#open.set(key, count + 1);
    const release = this.#releaser(key);
    const address = await this.#address(target);
    if ('error' in address) {
      release();
      return address;
    }
    return { admitted, ...address, port: target.port, release };
  }

  async #address(target: Target): Promise<{ address: string; family: 4 | 6 } | Refusal> {
    let addresses: readonly Uint8Array[];
    try {
      addresses =
        target.address === undefined ? await (this.#options.resolve ?? bySystem)(target.host) : [target.address];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ETIMEOUT' ? { error: 'dns_timeout' } : { error: 'dns_error', details: String(code ?? 'failed') };
    }
    const first = addresses.find((address) => prohibition(address, this.policy) === undefined);
    if (first !== undefined) return { address: formatIpAddress(first), family: first.length === 4 ? 4 : 6 };
    return addresses.length === 0 ? { error: 'dns_error' } : { error: 'destination_ip_prohibited', status: 403 };
  }

  #releaser(key: string): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }
}
