import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import type { Change } from '#services/store/commit.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { Records } from './records.ts';
import { orUnavailable } from './unavailable.ts';

/** A revoked grant is remembered for longer than anything lives that it was given to. */
export const GRANT_SECONDS = 90 * 86_400;

/** What dies with its grant. */
const OF_GRANT = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);
/** Written again and again: a late writer must not bring back what ended meanwhile. */
const REWRITTEN = new Set(['Session', 'Interaction', 'Grant', 'DeviceCode']);
const TRIES = 20;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const ttlOf = (seconds: number | undefined) =>
  seconds === undefined ? {} : { ttlSeconds: Math.max(1, Math.ceil(seconds)) };

/**
 * What the provider keeps, in JetStream: nothing is held in the process, so that copies behave as one. What must happen once
 * (a code or a refresh token is used, a device is let in) happens by compare-and-set.
 */
class JetStreamAdapter implements Adapter {
  readonly #model: string;
  readonly #records: Records;

  constructor(model: string, records: Records) {
    this.#model = model;
    this.#records = records;
  }

  upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    return orUnavailable(this.#upsert(id, payload, expiresIn));
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    return orUnavailable(this.#find(id));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('uid', uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('code', userCode);
  }

  consume(id: string): Promise<void> {
    return orUnavailable(this.#consume(id));
  }

  async destroy(id: string): Promise<void> {
    await orUnavailable(this.#records.store.commit([this.#records.end(await this.#key(id))]));
  }

  /** One record stops all of a grant's tokens, those of a request that is under way elsewhere too. */
  revokeByGrantId(grantId: string): Promise<void> {
    return orUnavailable(this.#revoke(grantId));
  }

  async #upsert(id: string, payload: AdapterPayload, expiresIn: number | undefined): Promise<void> {
    const key = await this.#key(id);
    const indexes: Change[] = [];
    if (this.#model === 'Session' && payload.uid !== undefined)
      indexes.push(await this.#index('uid', payload.uid, id, expiresIn));
    if (payload.userCode !== undefined) indexes.push(await this.#index('code', payload.userCode, id, expiresIn));
    for (let tries = 1; ; tries++) {
      const condition = await this.#condition(key, payload);
      if (condition === 'ended') return;
      const change = await this.#records.change(key, payload, { ...condition, ...ttlOf(expiresIn) });
      try {
        await this.#records.store.commit([...indexes, change]);
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        if (this.#model === 'ReplayDetection') throw new errors.InvalidClientAuth('it was used before' as never);
        if (tries === TRIES) throw error;
      }
    }
  }

  async #condition(key: string, payload: AdapterPayload): Promise<{ ifRevision?: number } | 'ended'> {
    if (this.#model === 'ReplayDetection') return { ifRevision: 0 };
    if (!REWRITTEN.has(this.#model)) return {};
    const { value, revision } = await this.#records.read<AdapterPayload>(key);
    if (value === undefined && revision > 0) return 'ended';
    if (this.#model === 'DeviceCode' && value !== undefined) checkDeviceStep(value, payload);
    return { ifRevision: revision };
  }

  async #find(id: string): Promise<AdapterPayload | undefined> {
    if (this.#model === 'Client') return (await this.#records.read<AdapterPayload>(clientKey(id))).value;
    const { value } = await this.#records.read<AdapterPayload>(await this.#key(id));
    if (value?.grantId !== undefined && OF_GRANT.has(this.#model)) {
      const { revision } = await this.#records.store.last(await this.#revokedKey(value.grantId));
      if (revision > 0) return undefined;
    }
    return value;
  }

  /** RFC 6749 §4.1.2, RFC 9700 §4.14.2: who comes second with a code or a refresh token loses it for both. */
  async #consume(id: string): Promise<void> {
    const key = await this.#key(id);
    for (let tries = 1; ; tries++) {
      const { value, revision } = await this.#records.read<AdapterPayload>(key);
      if (value === undefined || value.consumed !== undefined) {
        if (value?.grantId !== undefined) await this.#revoke(value.grantId);
        throw new errors.InvalidGrant('it was used before');
      }
      const left = value.exp === undefined ? undefined : value.exp - nowSeconds() + 1;
      const used = { ...value, consumed: nowSeconds() };
      try {
        const change = await this.#records.change(key, used, { ifRevision: revision, ...ttlOf(left) });
        await this.#records.store.commit([change]);
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || tries === TRIES) throw error;
      }
    }
  }

  async #revoke(grantId: string): Promise<void> {
    const key = await this.#revokedKey(grantId);
    await this.#records.store.commit([await this.#records.change(key, {}, { ttlSeconds: GRANT_SECONDS })]);
  }

  async #findBy(index: 'uid' | 'code', value: string): Promise<AdapterPayload | undefined> {
    const key = await this.#indexKey(index, value);
    const { value: found } = await orUnavailable(this.#records.read<{ id: string }>(key));
    return found === undefined ? undefined : this.find(found.id);
  }

  async #index(index: 'uid' | 'code', value: string, id: string, expiresIn: number | undefined): Promise<Change> {
    return this.#records.change(await this.#indexKey(index, value), { id }, ttlOf(expiresIn));
  }

  async #key(id: string): Promise<string> {
    return `${this.#model}.${await this.#records.sealer.nameOf(this.#model, id)}`;
  }

  async #indexKey(index: string, value: string): Promise<string> {
    return `${this.#model}-${index}.${await this.#records.sealer.nameOf(this.#model, index, value)}`;
  }

  async #revokedKey(grantId: string): Promise<string> {
    return `revoked.${await this.#records.sealer.nameOf('revoked', grantId)}`;
  }
}

/** A device code is confirmed once, decided once, and not touched after that. */
const checkDeviceStep = (stored: AdapterPayload, next: AdapterPayload): void => {
  const isDecided = (payload: AdapterPayload): boolean =>
    payload.accountId !== undefined || payload.error !== undefined;
  if (stored.consumed !== undefined || isDecided(stored) || (stored.inFlight === true && !isDecided(next)))
    throw new errors.InvalidRequest('this code was used meanwhile');
};

export const clientKey = (id: string): string => `client.${Buffer.from(id).toString('base64url')}`;

export const createAdapterFactory =
  (records: Records): AdapterFactory =>
  (model) =>
    new JetStreamAdapter(model, records);
