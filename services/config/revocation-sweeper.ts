import { toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConfigKey } from '#model/names.ts';
import { DeviceSchema, DeviceState, RevocationSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { ConflictError, UnreadableRecordError } from '#services/store/errors.ts';
import type { StoredRecord } from '#services/store/store.ts';
import { revocation } from './devices.ts';
import { HOLD_SECONDS } from './leases.ts';
import { outboxChange } from './outbox.ts';
import { Repeater } from './repeater.ts';
import { readResource } from './resource.ts';
import type { Stores } from './stores.ts';

const SWEEP_MS = 10_000;
const ACTOR = 'revocation-sweeper';

/**
 * Finishes what a copy of the service left half done: marks devices as revoked that are in `cb_revocations`, and lets
 * revocations of deleted devices expire.
 */
export class RevocationSweeper {
  readonly #stores: Stores;
  readonly #repeater: Repeater;
  /** Revocations, by key and revision, that need no more work as long as their device exists. */
  #finished: ReadonlySet<string> = new Set();

  constructor(stores: Stores, report: (error: unknown) => void, sweepMs = SWEEP_MS) {
    this.#stores = stores;
    this.#repeater = new Repeater(() => this.#sweep(), { everyMs: sweepMs, report });
  }

  close(): Promise<void> {
    return this.#repeater.close();
  }

  async #sweep(): Promise<void> {
    const finished = new Set<string>();
    for (const record of await this.#stores.revocations.list('*.device.*')) {
      const name = `${record.key}@${record.revision}`;
      try {
        if (!this.#finished.has(name)) await this.#finish(record);
        finished.add(name);
      } catch (error) {
        // Told once already: nothing can be done for it here.
        if (error instanceof UnreadableRecordError) finished.add(name);
        // Somebody else does the same at this moment; the next round sees what is left.
        else if (!(error instanceof ConflictError)) throw error;
      }
    }
    this.#finished = finished;
  }

  async #finish(record: StoredRecord): Promise<void> {
    const { config, revocations } = this.#stores;
    const revoked = revocations.read(RevocationSchema, record);
    const { tenant, device: id, expireTime } = revoked;
    const found = await config.get(ConfigKey.device(tenant, id));
    if (found === undefined) {
      if (expireTime !== undefined) return;
      const value = toBinary(RevocationSchema, {
        ...revoked,
        expireTime: timestampFromMs(Date.now() + HOLD_SECONDS * 1000),
      });
      await revocations.commit([{ key: record.key, value, ifRevision: record.revision, ttlSeconds: HOLD_SECONDS }]);
      return;
    }
    const device = readResource(config, DeviceSchema, found);
    if (device.state === DeviceState.REVOKED) return;
    const { resource, others, event } = revocation(found, device);
    await config.commit([...others, outboxChange(event, ACTOR), resource]);
  }
}
