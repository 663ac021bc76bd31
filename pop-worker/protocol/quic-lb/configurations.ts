import { CidCodec, configIdOf } from './codec.ts';
import { CONFIG_IDS, type QuicLbConfig, UNROUTABLE_ID } from './config.ts';
import type { MakeBlockCipher } from './ports.ts';

/**
 * The configurations in force: the first one makes connection IDs, all read them (§3.1). An endpoint takes short headers by one
 * length, so all have the same.
 */
export class Configurations {
  readonly #codecs: (CidCodec | undefined)[] = Array.from({ length: CONFIG_IDS }, () => undefined);
  readonly #active: CidCodec;

  /** @param configs the one that makes connection IDs first @throws RangeError: one sentence that says what is wrong */
  constructor(configs: readonly QuicLbConfig[], makeCipher: MakeBlockCipher) {
    const [active, ...others] = configs.map((config) => new CidCodec(config, makeCipher));
    if (active === undefined) throw new RangeError('connection IDs need one configuration at least');
    for (const codec of [active, ...others]) {
      const { id } = codec.config;
      if (codec.cidBytes !== active.cidBytes) {
        throw new RangeError(
          `configurations that are in force together make connection IDs of one length, not ${active.cidBytes} and ${codec.cidBytes}`,
        );
      }
      if (this.#codecs[id] !== undefined) throw new RangeError(`two configurations have the id ${id}`);
      this.#codecs[id] = codec;
    }
    this.#active = active;
  }

  /** The one that makes connection IDs. */
  get active(): CidCodec {
    return this.#active;
  }

  /** As `CidCodec.serverIdOf`, of whichever configuration the first octet names (§4.1). */
  serverIdOf(cid: Uint8Array, at: number, length: number, serverId: Uint8Array): boolean {
    if (length === 0) return false;
    return this.#codecs[configIdOf(cid[at] as number)]?.serverIdOf(cid, at, length, serverId) ?? false;
  }
}

/**
 * A connection ID that tells nothing, for a server without configuration or nonces (§3.2): random but for the rotation bits and
 * its length.
 */
export const fillUnroutable = (cid: Uint8Array, fill: (bytes: Uint8Array) => void): void => {
  fill(cid);
  cid[0] = (UNROUTABLE_ID << 5) | (cid.length - 1);
};
