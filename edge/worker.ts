import { DurableObject } from 'cloudflare:workers';
import { type AdminAnswer, answerAdmin, natsHindrance } from '#services/api/admin-paths.ts';
import { ConnectionMeter } from '#services/api/connection-meter.ts';
import { problem, problemResponse } from '#services/api/problem.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { configMeter } from '#services/config/app.ts';
import { startWorkerService, type WorkerService } from '#services/config/worker.ts';

export interface Env {
  readonly HUB: DurableObjectNamespace<Hub>;
  /** `wss://…`: NATS over WebSocket. */
  readonly NATS_URL: string;
  /** A secret: text of `edge.creds`. */
  readonly NATS_CREDS?: string;
  readonly IDENTITY_ISSUER: string;
  readonly IDENTITY_PROJECT: string;
  /** URL of the token service, for those who ask the API where it is. */
  readonly TOKEN_ISSUER?: string;
  /** Only its members can be operators; empty: nobody can. */
  readonly IDENTITY_OPERATOR_ORGANISATION?: string;
}

const report = (error: unknown): void =>
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));

/**
 * Holds the connection to NATS: in workerd a connection belongs to whoever made it, and outlives a request only inside a
 * Durable Object.
 */
export class Hub extends DurableObject<Env> {
  readonly #meter = configMeter();
  readonly #connection = new ConnectionMeter('edge');
  #service: Promise<WorkerService> | undefined;

  override async fetch(request: Request): Promise<Response> {
    let service: WorkerService;
    try {
      service = await this.#start();
    } catch (error) {
      report(error);
      const detail = 'NATS JetStream cannot be reached from the edge: try again in a moment';
      return problemResponse(problem(503, 'Not available', 'STORE_UNAVAILABLE', detail));
    }
    return service.fetch(request);
  }

  /** By a call from the Worker only: no request comes here. */
  admin(method: string, path: string): Promise<AdminAnswer> {
    return answerAdmin(method, path, {
      metrics: () => this.#meter.text() + this.#connection.text(),
      hindrance: () => natsHindrance(async () => (await this.#start()).nats.flush()),
    });
  }

  #start(): Promise<WorkerService> {
    const { NATS_URL: url, NATS_CREDS: credentials, IDENTITY_ISSUER: issuer, IDENTITY_PROJECT: project } = this.env;
    const operatorOrganisation = this.env.IDENTITY_OPERATOR_ORGANISATION ?? '';
    this.#service ??= startWorkerService({
      url,
      credentials,
      verify: createVerifier({ issuer, project, operatorOrganisation }),
      authorization: { issuer, project, tokenService: this.env.TOKEN_ISSUER },
      meter: this.#meter,
      report,
    }).then(
      (service) => {
        void this.#connection.follow(service.nats);
        // NATS gives a client up whose credentials it refuses twice; the next request begins anew.
        service.nats.closed().then((error) => {
          if (error) report(error);
          this.#service = undefined;
          return service.close();
        });
        return service;
      },
      (error: unknown) => {
        // The next request tries again.
        this.#service = undefined;
        throw error;
      },
    );
    return this.#service;
  }
}

const hubOf = ({ HUB }: Env) => HUB.get(HUB.idFromName('hub'));

export default {
  fetch: (request, env) => hubOf(env).fetch(request),
} satisfies ExportedHandler<Env>;

/** An entrypoint of its own, for the operator's machines: the public one leads nowhere near it. */
export const admin = {
  fetch: async (request, env) => {
    const { status, text, headers } = await hubOf(env).admin(request.method, new URL(request.url).pathname);
    return new Response(text, { status, headers });
  },
} satisfies ExportedHandler<Env>;
