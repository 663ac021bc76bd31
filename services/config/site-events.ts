import { create, toBinary } from '@bufbuild/protobuf';
import { ConfigKey } from '#model/names.ts';
import { type SiteTold, SiteToldSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { type SiteChange, SiteChangeSchema } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import type { Meter } from '#services/api/meter.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { StoredRecord } from '#services/store/store.ts';
import { outboxChange } from './outbox.ts';
import { Repeater } from './repeater.ts';
import { activeOf, type Reported, readReported } from './site-state.ts';
import type { Stores } from './stores.ts';
import { SILENT_MS } from './whereabouts.ts';

const LOOK_MS = 2000;
/** Events of one site at once; one more comes with each of these times. */
const AT_ONCE = 6;
const ONE_A_MS = 60_000;
/** How long a site that is down is remembered. */
const DOWN_SECONDS = 86_400;
const ACTOR = 'site-events';
const EVENTS = ['up', 'failover', 'down'] as const;
type SiteEvent = (typeof EVENTS)[number];
const CASES = { up: 'siteUp', failover: 'siteFailover', down: 'siteDown' } as const;

/** What was told of a site, with the record that says so. */
interface Told {
  readonly told: SiteTold;
  readonly revision: number;
}

const NOTHING = create(SiteToldSchema);

/** Whether one more event of a site may be told now. @returns what is used up then, undefined: not yet */
const paid = ({ paidUntilMs }: SiteTold, now: number): number | undefined => {
  const until = Math.max(Number(paidUntilMs), now) + ONE_A_MS;
  return until - now > AT_ONCE * ONE_A_MS ? undefined : until;
};

/** What of a site is another than was told last; undefined: nothing. */
const eventOf = ({ device, pop, worker }: SiteTold, active: Reported | undefined): SiteEvent | undefined => {
  if (active === undefined) return device === '' ? undefined : 'down';
  if (device === '') return 'up';
  return active.device === device && active.pop === pop && active.worker === worker ? undefined : 'failover';
};

/**
 * Tells integrations by which device each site is reached, whenever that is another. Every copy of the service looks, and what was
 * told is a record: each change is told once, also when a copy ends in between, and the newest when nobody could look for a while.
 */
export class SiteEvents {
  readonly #stores: Stores;
  readonly #repeater: Repeater;
  readonly #counted: Readonly<Record<SiteEvent, (count?: number) => void>>;
  readonly #setSites: Readonly<Record<'up' | 'down', (value: number) => void>>;
  readonly #setHeld: (value: number) => void;
  readonly #settleMs: number;
  /** Since when it has been seen without a gap who is heard. */
  #seeingSinceMs = Number.POSITIVE_INFINITY;

  /** @param settleMs nobody is taken for silent before it was looked for so long */
  constructor(
    stores: Stores,
    meter: Meter,
    report: (error: unknown) => void,
    { lookMs = LOOK_MS, settleMs = SILENT_MS } = {},
  ) {
    this.#stores = stores;
    this.#settleMs = settleMs;
    this.#counted = meter.adders('cloudbridge_config_site_events_total', 'event', EVENTS);
    this.#setSites = {
      up: meter.setter('cloudbridge_config_sites_count', { state: 'up' }),
      down: meter.setter('cloudbridge_config_sites_count', { state: 'down' }),
    };
    this.#setHeld = meter.setter('cloudbridge_config_held_site_events_count');
    this.#repeater = new Repeater(() => this.#look(), { everyMs: lookMs, report });
  }

  close(): Promise<void> {
    return this.#repeater.close();
  }

  async #look(): Promise<void> {
    const { config, status } = this.#stores;
    const read = Promise.all([readReported(status, '*'), config.list('*.site.*')]);
    const [reported, records] = await read.catch((error: unknown) => {
      // Workers, too, may have found nobody to report to: they are given the time to.
      this.#seeingSinceMs = Number.POSITIVE_INFINITY;
      throw error;
    });
    this.#seeingSinceMs = Math.min(this.#seeingSinceMs, Date.now());
    const sites = Map.groupBy(reported, ({ tenant, site }) => ConfigKey.site(tenant, site.site));
    const told = new Map(records.flatMap((record) => this.#toldOf(record)));
    const counts = { up: 0, down: 0, held: 0 };
    for (const key of new Set([...told.keys(), ...sites.keys()])) {
      const active = activeOf(sites.get(key) ?? []);
      counts[active === undefined ? 'down' : 'up']++;
      if (await this.#judge(key, told.get(key), active, sites.get(key) ?? [])) counts.held++;
    }
    this.#setSites.up(counts.up);
    this.#setSites.down(counts.down);
    this.#setHeld(counts.held);
  }

  #toldOf(record: StoredRecord): [string, Told][] {
    const told = this.#stores.config.tryRead(SiteToldSchema, record);
    return told === undefined ? [] : [[record.key, { told, revision: record.revision }]];
  }

  /** @returns whether something is to be told and has to wait, for the site changed too often */
  async #judge(
    key: string,
    before: Told | undefined,
    active: Reported | undefined,
    all: readonly Reported[],
  ): Promise<boolean> {
    const told = before?.told ?? NOTHING;
    const event = eventOf(told, active);
    const now = Date.now();
    if (event === undefined || (event !== 'up' && now - this.#seeingSinceMs < this.#settleMs)) return false;
    const paidUntilMs = paid(told, now);
    if (paidUntilMs === undefined) return true;
    const [tenant = '', , id = ''] = key.split('.');
    const { device = '', pop = '', worker = '' } = active ?? {};
    const place = { device, pop, worker };
    const former = all.find(
      (each) => each.device === told.device && each.worker === told.worker && each.pop === told.pop,
    );
    const change: SiteChange = create(SiteChangeSchema, {
      ...{ tenant, id, ...place, formerDevice: told.device, formerPop: told.pop, formerWorker: told.worker },
      formerWorkerSilent: former?.workerSilent === true,
    });
    const value = toBinary(SiteToldSchema, create(SiteToldSchema, { ...place, paidUntilMs: BigInt(paidUntilMs) }));
    // Also of a record that has expired something is remembered.
    const ifRevision = before?.revision ?? (await this.#stores.config.last(key)).revision;
    const record = { key, value, ifRevision, ...(event === 'down' && { ttlSeconds: DOWN_SECONDS }) };
    try {
      await this.#stores.config.commit([
        outboxChange({ tenant, data: { case: CASES[event], value: change } }, ACTOR),
        record,
      ]);
    } catch (error) {
      // Another copy has told it.
      if (!(error instanceof ConflictError)) throw error;
      return false;
    }
    this.#counted[event]();
    return false;
  }
}
