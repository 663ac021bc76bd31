import { lookup } from 'node:dns/promises';
import type { RequestHead } from '#protocol/http3/message.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import type { Refusal } from '#protocol/masque/proxy-status.ts';
import type { Target } from '#protocol/masque/target.ts';
import { prohibition, type TargetPolicy } from '#protocol/masque/target-policy.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import { type Admission, type Admitted, refusalOf } from '../admission.ts';
import type { TenantTable } from '../forward/tenant-table.ts';
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
  /** Whose addresses are no targets. */
  readonly tenants: Pick<TenantTable, 'isDevice'>;
  readonly resolve?: Resolve;
  /** Tunnels of one device at once, UDP and TCP together. */
  readonly maxPerDevice?: number;
}

/** A target that may be reached; `release` when the tunnel to it is over. */
export interface Granted {
  readonly admitted: Admitted;
  /** 4 or 16 bytes. */
  readonly destination: Uint8Array;
  readonly port: number;
  readonly release: () => void;
}

/** Why there is no tunnel, as it is counted. */
type Why = Exclude<LabelsOf<'cloudbridge_proxy_refused_tunnels_total'>['reason'], 'no_tun'>;

type Found = { readonly destination: Uint8Array } | { readonly why: Why; readonly refusal: Refusal };

/** Decides who may be proxied where: token, number of tunnels, and the addresses that a name has at this moment. */
export class Targets {
  /** May be replaced at any time; what it refuses of the open tunnels is for somebody else to end. */
  policy: TargetPolicy;
  /** Tunnels that were refused. */
  readonly refused: Record<Why, number> = { token: 0, no_egress: 0, limit: 0, destination: 0, name: 0 };
  readonly #options: TargetsOptions;
  readonly #open = new Map<string, number>();

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.policy = options.policy;
  }

  /** @param connection that the request came by */
  async grant(target: Target, head: RequestHead, connection: object): Promise<Granted | Refusal> {
    const admitted = await this.#options.admission.admit(bearerOf(head), connection);
    if ('status' in admitted) return this.#refuse('token', refusalOf(admitted));
    if (!admitted.egress)
      return this.#refuse('no_egress', { error: 'http_request_denied', details: 'the network has no egress' });
    const key = `${admitted.tenant}/${admitted.device}`;
    const count = this.#open.get(key) ?? 0;
    if (count >= (this.#options.maxPerDevice ?? 1000))
      return this.#refuse('limit', { error: 'connection_limit_reached' });
    this.#open.set(key, count + 1);
    const release = this.#releaser(key);
    const found = await this.#find(target, admitted.tenant);
    // It may have been revoked while the name was resolved, and nobody would find the tunnel to end it.
    const denied = this.#options.admission.objection(admitted);
    if (denied !== undefined) {
      release();
      return this.#refuse('token', refusalOf(denied));
    }
    if ('destination' in found) return { admitted, destination: found.destination, port: target.port, release };
    release();
    return this.#refuse(found.why, found.refusal);
  }

  #refuse(why: Why, refusal: Refusal): Refusal {
    this.refused[why]++;
    return refusal;
  }

  async #find(target: Target, tenant: string): Promise<Found> {
    let addresses: readonly Uint8Array[];
    try {
      addresses =
        target.address === undefined ? await (this.#options.resolve ?? bySystem)(target.host) : [target.address];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ETIMEOUT') return { why: 'name', refusal: { error: 'dns_timeout' } };
      return { why: 'name', refusal: { error: 'dns_error', details: String(code ?? 'failed') } };
    }
    const denies = (address: Uint8Array): boolean => this.#options.tenants.isDevice(tenant, address);
    const destination = addresses.find((address) => prohibition(address, { ...this.policy, denies }) === undefined);
    if (destination !== undefined) return { destination };
    if (addresses.length === 0) return { why: 'name', refusal: { error: 'dns_error' } };
    return { why: 'destination', refusal: { error: 'destination_ip_prohibited', status: 403 } };
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
