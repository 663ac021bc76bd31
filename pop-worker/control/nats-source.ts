import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import { Health, LocalOrder } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { Control } from './control.ts';
import type { ControlView } from './describe.ts';
import { type FleetView, NO_FLEET } from './fleet.ts';
import type { NatsOptions } from './nats.ts';
import { importRevisionKeys } from './revisions.ts';
import { shareCut } from './share-cut.ts';
import type { ControlListener, ControlSource, WorkerCondition, WorkerEvent, WorkerState } from './source.ts';
import type { WorkerReport } from './status.ts';

export interface NatsSourceOptions extends NatsOptions {
  readonly stateDirectory: string;
  /** Ed25519 public keys (base64url) by their IDs. */
  readonly revisionKeys: Readonly<Record<string, string>>;
  readonly version: string;
  /** Whether what other workers say of themselves is followed. */
  readonly followsFleet?: boolean;
  /** Private keys of the edge; absent: nobody comes by WireGuard here. */
  readonly wireguardKeys?: WireGuardKeys | undefined;
  readonly onError: (error: unknown) => void;
}

const HEALTH: Readonly<Record<WorkerState, Health>> = {
  starting: Health.STARTING,
  ready: Health.SERVING,
  failed: Health.FAILED,
  draining: Health.DRAINING,
  withdrawn: Health.WITHDRAWN,
  stopping: Health.DRAINING,
};

/** Of a worker that waits for its number. */
const NOT_STARTED: WorkerCondition = {
  ...{ state: 'starting', healthy: true, localOrder: 'serve' },
  ...{ packetsUp: 0n, packetsDown: 0n, packetsDropped: 0n },
};

const LOCAL_ORDER: Readonly<Record<WorkerCondition['localOrder'], LocalOrder>> = {
  serve: LocalOrder.SERVE,
  drain: LocalOrder.DRAIN,
  withdraw: LocalOrder.WITHDRAW,
  undrain: LocalOrder.UNDRAIN,
};

/** Desired state by NATS, or as it was last known when there is no NATS; status goes the other way. */
export class NatsSource implements ControlSource {
  readonly #options: NatsSourceOptions;
  readonly #startTimeMs = Date.now();
  #control: Control | undefined;
  #starting: Promise<Control> | undefined;
  #listener: ControlListener | undefined;
  #sessions = 0;

  constructor(options: NatsSourceOptions) {
    this.#options = options;
  }

  /** What is on disk is known at once; the rest comes by NATS, once it is reached. */
  #started(): Promise<Control> {
    const { revisionKeys, wireguardKeys: keys, onError, ...options } = this.#options;
    const start = async (): Promise<Control> => {
      this.#control = await Control.start({
        ...options,
        revisionKeys: await importRevisionKeys(revisionKeys),
        report: () => this.#report(),
        ...(keys && { wireguard: { keys, told: (change) => this.#listener?.wireguardPeers(change) } }),
        shareCut: async (next) => {
          const [control, listener] = [this.#control, this.#listener];
          return control === undefined || listener === undefined ? 0 : shareCut(control.state, listener, next);
        },
        onError,
      });
      return this.#control;
    };
    this.#starting ??= start();
    return this.#starting;
  }

  async member(): Promise<number> {
    const { state } = await this.#started();
    const { promise, resolve } = Promise.withResolvers<number>();
    const stop = state.listen({ onMesh: ({ own }) => own !== undefined && resolve(own) });
    return promise.finally(stop);
  }

  /** Resolves once tokens can be judged: keys and who is revoked are known, from NATS or from an earlier run. */
  async start(listener: ControlListener): Promise<void> {
    this.#listener = listener;
    const control = await this.#started();
    const { promise, resolve } = Promise.withResolvers<void>();
    control.state.listen({
      onTenant: (tenant, prefixes) => listener.tenant(tenant, prefixes),
      onRevoked: (revocation) => listener.revoke(revocation),
      onReinstated: (revocation) => listener.reinstate(revocation),
      onDevice: (tenant, device, state) => {
        // A deleted device's tokens are good for nobody, also until its revocation is heard of.
        if (state === undefined) listener.revoke({ tenant, device });
      },
      onRefusedPrefixes: (prefixes) => listener.refused(prefixes),
      onRouting: (routing) => listener.routing(routing),
      onDns: (dns) => listener.dns(dns),
      onMesh: (mesh) => listener.mesh(mesh),
      onDrain: (by) => listener.setDrain(by),
      onCurrent: (isCurrent) => listener.current(isCurrent),
      onKeys: (jwks, issuer) => {
        listener.keys(jwks, issuer);
        resolve();
      },
    });
    await Promise.all([promise, control.membership.whole]);
    await control.peers?.start();
  }

  /** Desired state is watched; what lies in files is read for a new connection. */
  async reload(): Promise<readonly string[]> {
    await this.#control?.reconnect();
    return ['credentials and CA of the control plane'];
  }

  setWireGuardKeys(keys: WireGuardKeys): void {
    this.#control?.peers?.setKeys(keys);
  }

  sealedToPreviousKey(): readonly string[] {
    return this.#control?.peers?.sealedToPrevious ?? [];
  }

  view(): ControlView | undefined {
    return this.#control?.view;
  }

  fleet(): FleetView {
    return this.#control?.fleet.view() ?? NO_FLEET;
  }

  report(event: WorkerEvent): void {
    const status = this.#control?.status;
    if (event.type === 'state') status?.reportSelf();
    else if (event.type === 'connected') {
      this.#sessions++;
      status?.connected(event);
    } else {
      this.#sessions--;
      status?.disconnected(event.tenant, event.device);
    }
  }

  async stop(): Promise<void> {
    await this.#control?.close();
  }

  #report(): WorkerReport {
    const { state, healthy, localOrder, ...traffic } = this.#listener?.condition() ?? NOT_STARTED;
    return {
      health: healthy ? HEALTH[state] : Health.FAILED,
      localOrder: LOCAL_ORDER[localOrder],
      version: this.#options.version,
      startTimeMs: this.#startTimeMs,
      sessions: this.#sessions,
      ...traffic,
    };
  }
}
