import { X509Certificate } from 'node:crypto';
import { MeshTls } from '#pop-worker/mesh/tls.ts';
import type { Logger } from '#telemetry/logger.ts';
import { slotOf } from '#telemetry/slots.ts';
import type { MeshConfig } from './mesh-settings.ts';
import { StartError } from './start-error.ts';

const DAY_MS = 86_400_000;
/** Whoever renews it has so long: `installation` issues it for 398 days. */
const WARNING_DAYS = 30;
const REMAINING = slotOf('cloudbridge_mesh_certificate_remaining_seconds', {});
/** Timers of Node know no more than 2^31 ms. */
const LOOK_MS = DAY_MS;

/** What OpenSSL itself refuses is refused here, where it is said in a sentence. @throws StartError */
export const tryMeshTls = (tls: MeshConfig['tls']): void => {
  try {
    new MeshTls(tls);
  } catch (error) {
    throw new StartError(`the certificate of the mesh cannot be used (${(error as Error).message}): renew it`);
  }
};

/** How long the certificate of the mesh is good for: as a figure, and each day in the log once that is not long. */
export class MeshCertificate {
  readonly #log: Logger;
  #untilMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** It is this one from now on. @param pem the leaf first */
  set(pem: string): void {
    this.#untilMs = new X509Certificate(pem).validToDate.getTime();
    this.#look();
  }

  collect(slots: Float64Array, nowMs = Date.now()): void {
    slots[REMAINING] = (this.#untilMs - nowMs) / 1000;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), LOOK_MS).unref();
    const days = (this.#untilMs - Date.now()) / DAY_MS;
    if (days >= WARNING_DAYS) return;
    const text =
      days > 0
        ? 'the certificate of the mesh runs out soon: renew it and send SIGHUP'
        : 'the certificate of the mesh has run out, links cannot be made: renew it and send SIGHUP';
    this.#log.warn(text, { days: Math.floor(days), until: new Date(this.#untilMs).toISOString() });
  }
}
