import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { ConnectError, createContextKey, type Interceptor } from '@connectrpc/connect';
import type { Store } from '#services/store/store.ts';
import { OUTCOMES } from '#telemetry/metrics/services.ts';
import type { Meter } from './meter.ts';
import { httpStatus } from './problem.ts';

export const methodName = (method: DescMethod): string => `${method.parent.name}/${method.name}`;

/** The route of each RPC, under which also its REST calls count. */
export const routesOf = (services: readonly DescService[]): string[] =>
  services.flatMap(({ methods }) => methods.map(methodName));

/** Set by whoever answers a call as it was answered before. */
export const replayedKey = createContextKey(false, { description: 'answered as before' });

/** Set on each call that is counted by its route. */
export const servedKey = createContextKey(false, { description: 'came to its method' });

/** Ends a request that was begun. @param status as HTTP has it */
export type End = (status: number) => void;

interface Route {
  readonly outcomes: Readonly<Record<(typeof OUTCOMES)[number], () => void>>;
  readonly took: (seconds: number) => void;
}

const outcomeOf = (status: number): (typeof OUTCOMES)[number] => {
  if (status < 400) return 'ok';
  return status < 500 ? 'client_error' : 'server_error';
};

/** Counts a service's requests: each once, by its route, when it has ended. */
export class Calls {
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #running: (count: number) => void;
  /** A request that comes to no route. */
  readonly unserved: () => void;

  constructor(meter: Meter, routes: readonly string[]) {
    const outcomes = (route: string) => meter.adders('cloudbridge_api_requests_total', 'outcome', OUTCOMES, { route });
    const took = (route: string) => meter.observer('cloudbridge_api_duration_seconds', { route });
    this.#routes = new Map(routes.map((route) => [route, { outcomes: outcomes(route), took: took(route) }]));
    this.#running = meter.adder('cloudbridge_api_running_requests_count');
    this.unserved = meter.adder('cloudbridge_api_unserved_requests_total');
  }

  /** @throws RangeError when the route is none of the service's */
  begin(route: string): End {
    const found = this.#routes.get(route);
    if (found === undefined) throw new RangeError(`no route ${route}`);
    const began = performance.now();
    let ended = false;
    this.#running(1);
    return (status) => {
      if (ended) return;
      ended = true;
      this.#running(-1);
      found.took((performance.now() - began) / 1000);
      found.outcomes[outcomeOf(status)]();
    };
  }
}

export interface Counted {
  readonly calls: Calls;
  /** Of answers that were given before. */
  readonly replayed?: () => void;
  readonly streams?: (count: number) => void;
}

/** Outermost: it sees what the caller sees. */
export const countCalls =
  ({ calls, replayed, streams }: Counted): Interceptor =>
  (next) =>
  async (request) => {
    const end = calls.begin(methodName(request.method));
    request.contextValues.set(servedKey, true);
    try {
      const response = await next(request);
      if (response.stream) {
        const message = untilEnd(response.message, end, streams);
        // A stream ends when its caller goes, which one that is not being read does not notice by itself.
        request.signal.addEventListener('abort', () => end(200));
        return { ...response, message };
      }
      if (request.contextValues.get(replayedKey)) replayed?.();
      end(200);
      return response;
    } catch (error) {
      end(httpStatus(ConnectError.from(error).code));
      throw error;
    }
  };

async function* untilEnd<T>(messages: AsyncIterable<T>, end: End, open: Counted['streams']): AsyncGenerator<T> {
  open?.(1);
  try {
    yield* messages;
  } catch (error) {
    end(httpStatus(ConnectError.from(error).code));
    throw error;
  } finally {
    open?.(-1);
    end(200);
  }
}

/** Counts the unreadable records of these stores, and tells of each. */
export const countUnreadable = (meter: Meter, stores: readonly Store[], report: (error: unknown) => void): void => {
  const met = meter.adder('cloudbridge_store_unreadable_records_total');
  for (const store of stores) {
    store.onUnreadable((error) => {
      met();
      report(error);
    });
  }
};

/** Counts what these stores refuse because somebody else was faster. */
export const countConflicts = (meter: Meter, stores: readonly Store[]): void => {
  const conflict = meter.adder('cloudbridge_store_conflicts_total');
  for (const store of stores) store.onConflict(() => conflict());
};
