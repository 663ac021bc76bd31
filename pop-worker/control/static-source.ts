import { readFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { dnsOf } from '#model/dns.ts';
import { policyFault, routingOf } from '#model/routing.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { DnsConfigSchema, RoutingConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { type FleetView, NO_FLEET } from './fleet.ts';
import type { ControlListener, ControlSource, Revocation } from './source.ts';

export interface StaticOptions {
  readonly issuer: string;
  /** File with a JWK set. */
  readonly jwks: string;
  readonly tenants: readonly { readonly id: string; readonly prefixes: readonly string[] }[];
  /** File with a JSON array of revocations; none are in force without it. */
  readonly revocations?: string | undefined;
  /** File with what PoPs announce, as a revision has it (`RoutingConfig` in JSON); without it nothing is announced. */
  readonly routing?: string | undefined;
  /** File with what names lead to, as a revision has it (`DnsConfig` in JSON); without it nothing. */
  readonly dns?: string | undefined;
  /** Reads who comes by WireGuard; without it nobody does. @throws Error with one sentence */
  readonly wireguardPeers?: (() => readonly WireGuardPeer[]) | undefined;
  readonly pop: string;
  readonly worker: string;
}

/** Peers that are told before other work gets its turn. */
const PEERS_A_TURN = 64;

/** A file of the static configuration is wrong. */
export class StaticSourceError extends Error {
  override readonly name = 'StaticSourceError';
}

const parseFile = async <T>(file: string, what: string, isRight: (value: unknown) => value is T): Promise<T> => {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why =
      error instanceof SyntaxError ? 'is no JSON' : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new StaticSourceError(`${file} ${why}: it must hold ${what}`);
  }
  if (!isRight(value)) throw new StaticSourceError(`${file} must hold ${what}`);
  return value;
};

const isKeySet = (value: unknown): value is { keys: unknown[] } =>
  typeof value === 'object' && value !== null && Array.isArray((value as { keys?: unknown }).keys);

const isOf =
  (schema: typeof DnsConfigSchema | typeof RoutingConfigSchema) =>
  (value: unknown): value is JsonValue => {
    try {
      fromJson(schema, value as JsonValue);
      return true;
    } catch {
      return false;
    }
  };

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';

const isRevocation = (value: unknown): value is Revocation => {
  if (typeof value !== 'object' || value === null) return false;
  const { tenant, device, tokenId } = value as Record<string, unknown>;
  return typeof tenant === 'string' && isText(device) && isText(tokenId);
};

const isRevocations = (value: unknown): value is Revocation[] => Array.isArray(value) && value.every(isRevocation);

/** A worker without control plane: tenants from its own file, keys and revocations from files beside it. */
export class StaticSource implements ControlSource {
  readonly #options: StaticOptions;
  #listener: ControlListener | undefined;
  /** Names of the WireGuard peers that were told last. */
  #names: ReadonlySet<string> = new Set();
  #telling: Promise<void> = Promise.resolve();

  constructor(options: StaticOptions) {
    this.#options = options;
  }

  async member(): Promise<never> {
    throw new StaticSourceError('mesh.member: without [control] nobody else gives the worker its number');
  }

  async start(listener: ControlListener): Promise<void> {
    this.#listener = listener;
    await this.reload();
    for (const { id, prefixes } of this.#options.tenants) listener.tenant(id, prefixes);
    listener.current(true);
  }

  /** Reads keys and revocations again; when a file is wrong, what was read before stays in force. */
  async reload(): Promise<readonly string[]> {
    const { jwks, issuer, revocations, routing, dns, wireguardPeers, pop, worker } = this.#options;
    const keys = await parseFile(jwks, 'a JWK set: {"keys": […]}', isKeySet);
    const revoked =
      revocations === undefined
        ? []
        : await parseFile(revocations, 'an array of {"tenant", "device"?, "tokenId"?}', isRevocations);
    const routed =
      routing === undefined
        ? undefined
        : fromJson(
            RoutingConfigSchema,
            await parseFile(routing, 'prefixes, neighbors, uplinks and policies', isOf(RoutingConfigSchema)),
          );
    const fault = policyFault(routed, pop, worker);
    if (fault !== undefined) throw new StaticSourceError(`${routing}: ${fault}`);
    const named = dns === undefined ? undefined : await parseFile(dns, 'zones, places and pops', isOf(DnsConfigSchema));
    const peers = wireguardPeers?.();
    this.#listener?.keys(JSON.stringify(keys), issuer);
    this.#listener?.revocations(revoked);
    if (routed !== undefined) this.#listener?.routing(routingOf(routed, pop, worker));
    if (named !== undefined)
      this.#listener?.dns(dnsOf(fromJson(DnsConfigSchema, named), Math.floor(Date.now() / 1000)));
    if (peers !== undefined) {
      this.#telling = this.#telling.then(() => this.#tellPeers(peers));
      await this.#telling;
    }
    return [
      'keys of tokens',
      ...(revocations === undefined ? [] : ['revocations']),
      ...(routing === undefined ? [] : ['what is announced']),
      ...(dns === undefined ? [] : ['what names lead to']),
      ...(peers === undefined ? [] : ['WireGuard peers']),
    ];
  }

  /** Those that are as before are told again: whoever hears it compares. */
  async #tellPeers(peers: readonly WireGuardPeer[]): Promise<void> {
    const named = peers.map((peer) => [`${peer.tenant}.${peer.device}`, peer] as const);
    const names = new Set<string>(named.map(([name]) => name));
    const removed = [...this.#names].filter((name) => !names.has(name));
    this.#names = names;
    this.#listener?.wireguardPeers({ changed: new Map(), removed });
    for (let at = 0; at < named.length; at += PEERS_A_TURN) {
      await turn();
      this.#listener?.wireguardPeers({ changed: new Map(named.slice(at, at + PEERS_A_TURN)), removed: [] });
    }
  }

  setWireGuardKeys(): void {
    // Nothing is sealed to them.
  }

  sealedToPreviousKey(): readonly string[] {
    return [];
  }

  view(): undefined {
    // There is no control plane.
  }

  fleet(): FleetView {
    return NO_FLEET;
  }

  report(): void {
    // Nobody else is there to know.
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
  }
}
