import type { IncomingMessage, ServerResponse } from 'node:http';
import { Calls, countConflicts } from '#services/api/calls.ts';
import { Meter } from '#services/api/meter.ts';
import { StoreUnavailableError } from '#services/store/errors.ts';
import { readKeySet, readSigningKeys } from '#services/store/signing-keys.ts';
import { callRows } from '#telemetry/metrics/services.ts';
import { type Identity, ISSUER_KEYS } from './bootstrap.ts';
import { createProvider } from './provider.ts';
import { ROUTE_NAMES, routeOf } from './routes.ts';

export interface AuthOptions {
  readonly identity: Identity;
  /** As clients reach it, without a slash at the end; `https` unless it is a machine's own. */
  readonly issuer: string;
  /** Whether a proxy in front says who calls; it is so for `https`, for this service itself speaks plain HTTP. */
  readonly behindProxy?: boolean;
  /** Is told of errors that are the service's own fault. */
  readonly report: (error: unknown) => void;
  /** Seconds since 1970. */
  readonly now?: () => number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Far less than the time between a key's publication and its first signature. */
const KEYS_FRESH_SECONDS = 5;
/** For an answer that its caller did not wait for; no standard has it. */
const CLOSED_BY_CALLER = 499;

/**
 * The built-in issuer. Its keys are read again every few seconds; when others sign, a provider with those takes over. All
 * else that it knows is in the store.
 */
export class AuthApp {
  readonly #options: AuthOptions;
  readonly #now: () => number;
  readonly #calls: Calls;
  /** What this copy counts. */
  readonly meter = new Meter(callRows(ROUTE_NAMES));
  #handler: { readonly handle: Handler; readonly kids: string } | undefined;
  #checkedAt = 0;
  #checking: Promise<void> | undefined;

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => Date.now() / 1000);
    this.#calls = new Calls(this.meter, ROUTE_NAMES);
    countConflicts(this.meter, [options.identity.records.store]);
  }

  readonly handle: Handler = async (request, response) => {
    const route = routeOf(request.url ?? '');
    if (route === undefined) this.#calls.unserved();
    else {
      const end = this.#calls.begin(route);
      response.once('close', () => end(response.writableFinished ? response.statusCode : CLOSED_BY_CALLER));
    }
    try {
      if (this.#handler === undefined || this.#now() - this.#checkedAt > KEYS_FRESH_SECONDS) await this.#check();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) this.#options.report(error);
      // Without the store the last keys go on; at the very start there are none.
      if (this.#handler === undefined) return sendUnavailable(response);
    }
    await this.#handler?.handle(request, response);
  };

  /** Whether it can serve: it has its keys. */
  get isReady(): boolean {
    return this.#handler !== undefined;
  }

  #check(): Promise<void> {
    this.#checking ??= this.#reload().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #reload(): Promise<void> {
    const { identity, issuer, report, behindProxy = issuer.startsWith('https:') } = this.#options;
    const { store, sealer } = identity.records;
    // Whatever comes of it: not every request shall wait for a store that does not answer.
    this.#checkedAt = this.#now();
    const { jwks } = await readKeySet(store, ISSUER_KEYS, this.#now());
    const kids = jwks.keys.map(({ kid }) => kid).join();
    if (kids === this.#handler?.kids) return;
    const keys = await readSigningKeys(store, ISSUER_KEYS, sealer, this.#now());
    const cookieKey = await sealer.secretFor('issuer cookies');
    const provider = createProvider({ identity, issuer, keys, behindProxy, cookieKey, report });
    const callback = provider.callback();
    this.#handler = { handle: (request, response) => callback(request, response), kids };
  }
}

const sendUnavailable = (response: ServerResponse): void => {
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1', 'cache-control': 'no-store' });
  response.end('{"error":"temporarily_unavailable","error_description":"the store cannot be reached: try again"}');
};
