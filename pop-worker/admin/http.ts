import { createServer, type Server, type ServerResponse } from 'node:http';
import { splitHostPort } from '#settings/fields.ts';

/** What the admin listener shows. */
export interface AdminView {
  readonly state: string;
  /** Why it is in that state, in words, where that is not said by the state. */
  readonly reason?: string | undefined;
  isHealthy(): boolean;
  /** Prometheus text format 0.0.4. */
  metrics(): Promise<string>;
}

const answer = (response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
};

const handle = async (view: AdminView, path: string, response: ServerResponse): Promise<void> => {
  const healthy = view.isHealthy();
  if (path === '/metrics') {
    answer(response, 200, await view.metrics(), 'text/plain; version=0.0.4; charset=utf-8');
  } else if (path === '/healthz') {
    answer(response, healthy ? 200 : 503, healthy ? 'ok\n' : 'a thread does not answer\n');
  } else if (path === '/readyz') {
    const ready = healthy && view.state === 'ready';
    const state = view.reason === undefined ? view.state : `${view.state}: ${view.reason}`;
    answer(response, ready ? 200 : 503, `${healthy ? state : 'a thread does not answer'}\n`);
  } else answer(response, 404, 'there are /metrics, /healthz and /readyz\n');
};

/** Serves `/metrics`, `/healthz`, `/readyz`. @param listen `host:port` @throws Error of the socket */
export const serveAdminHttp = (listen: string, view: AdminView): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        answer(response, 405, 'only GET\n');
        return;
      }
      handle(view, (request.url ?? '').split('?')[0] as string, response).catch((error: Error) => {
        if (!response.headersSent) answer(response, 500, `${error.message}\n`);
        else response.destroy();
      });
    });
    server.once('error', reject);
    server.listen(splitHostPort(listen), () => resolve(server));
  });
