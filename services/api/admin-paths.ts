/** What the operator's machines may ask a copy of a service, however it listens. */

const READY_MS = 2000;
const TEXT = 'text/plain; charset=utf-8';
/** Of the Prometheus text format. */
const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8';

export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface AdminSource {
  /** In the Prometheus text format. */
  readonly metrics: () => string;
  /** Why the service cannot do its work now. */
  readonly hindrance: () => Promise<string | undefined>;
}

const answer = (status: number, text: string, type = TEXT): AdminAnswer => ({
  status,
  text,
  headers: { 'content-type': type, 'cache-control': 'no-store' },
});

/** Answers `/healthz`, `/readyz` and `/metrics`. @param path may have a query, which says nothing */
export const answerAdmin = async (method: string, path: string, source: AdminSource): Promise<AdminAnswer> => {
  if (method !== 'GET' && method !== 'HEAD') return answer(405, 'only GET\n');
  const [name] = path.split('?');
  if (name === '/healthz') return answer(200, 'ok\n');
  if (name === '/metrics') return answer(200, source.metrics(), EXPOSITION);
  if (name !== '/readyz') return answer(404, 'there are /healthz, /readyz and /metrics\n');
  const why = await source.hindrance();
  return answer(why === undefined ? 200 : 503, `${why ?? 'ready'}\n`);
};

/** @param flush asks NATS for a sign of life, which must come within 2 seconds */
export const natsHindrance = async (flush: () => Promise<unknown>): Promise<string | undefined> => {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, READY_MS, false);
  const flushed = flush().then(
    () => true,
    () => false,
  );
  const answered = await Promise.race([flushed, late]);
  clearTimeout(timer);
  return answered ? undefined : 'NATS cannot be reached';
};
