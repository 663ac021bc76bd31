import { addressRange } from '#model/ip-range.ts';
import { parseWireguardEndpoint } from '#model/wireguard.ts';
import { endpointRefusal, neverEndpoint } from '#model/wireguard-endpoint.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { EndpointRules } from './desired-state.ts';

/** Peers whose endpoints are not begun at, by the rules of today: what an operator allows may be less than when one was set. */
export class BarredEndpoints {
  /** By name, why not. */
  readonly #barred = new Map<string, string>();
  readonly #onError: (error: Error) => void;

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  get size(): number {
    return this.#barred.size;
  }

  /** Says once why an endpoint is barred. @param record undefined: it is gone @returns whether it is */
  judge(name: string, record: WireguardPeer | undefined, { ranges, own }: EndpointRules): boolean {
    const why = record && refusalOf(record.endpoint, ranges, own);
    if (why === undefined) {
      this.#barred.delete(name);
      return false;
    }
    if (this.#barred.get(name) !== why)
      this.#onError(
        new Error(`WireGuard peer ${name}: its endpoint ${record?.endpoint} ${why}; it has to come by itself`),
      );
    this.#barred.set(name, why);
    return true;
  }
}

/** @returns undefined: nothing is against it, or the whole record is refused for it */
const refusalOf = (endpoint: string, ranges: readonly string[], own: readonly string[]): string | undefined => {
  const place = endpoint === '' ? undefined : parseWireguardEndpoint(endpoint);
  const range = place?.isAddress === true ? addressRange(place.host) : undefined;
  if (place === undefined || range === undefined || neverEndpoint(range) !== undefined) return undefined;
  return endpointRefusal(place.host, ranges, own);
};
