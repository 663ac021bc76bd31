import { hkdfSync } from 'node:crypto';
import type { CidKey } from '#dataplane/exchange/cids.ts';
import { CONFIG_IDS } from '#protocol/quic-lb/config.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { StartError } from './start-error.ts';

const KEY_BYTES = 16;
/** Of the key that follows from the reset key, where the file does not give the number to another one. */
const DERIVED = { id: 0, word: 'derived' } as const;
const LINE = /^(\S+)\s+(\S+)$/;
const HEX = new RegExp(`^[0-9a-f]{${2 * KEY_BYTES}}$`, 'i');
const FORM = `a number from 0 to ${CONFIG_IDS - 1} and ${2 * KEY_BYTES} hexadecimal digits, or \`${DERIVED.id} ${DERIVED.word}\``;

/** The key of connection IDs that all workers with this reset key have. */
export const derivedCidKey = (resetKey: Uint8Array): CidKey => ({
  id: DERIVED.id,
  key: new Uint8Array(hkdfSync('sha256', resetKey, '', 'cloudbridge connection IDs', KEY_BYTES)),
});

/**
 * The keys of connection IDs in a file: one a line, the one that makes them first. Lines that begin with # say nothing.
 *
 * @throws StartError, which never says a key
 */
export const parseCidKeys = (text: string, file: string, resetKey: Uint8Array | undefined): CidKey[] => {
  const wrong = (why: string): never => {
    throw new StartError(`the keys of connection IDs ${file}${why}`);
  };
  const keyOf = (line: string, at: number): CidKey => {
    const [, id = '', key = ''] = LINE.exec(line) ?? [];
    const isDerived = key === DERIVED.word && id === String(DERIVED.id);
    if (isDerived && resetKey === undefined) return wrong(`, line ${at}: \`${DERIVED.word}\` needs tls.reset_key`);
    if (isDerived) return derivedCidKey(resetKey as Uint8Array);
    if (!/^[0-6]$/.test(id) || !HEX.test(key)) return wrong(`, line ${at}: must be ${FORM}`);
    return { id: Number(id), key: Uint8Array.from(Buffer.from(key, 'hex')) };
  };
  const lines = text.split('\n').map((line, i) => ({ line: line.trim(), at: i + 1 }));
  const keys = lines.filter(({ line }) => line !== '' && !line.startsWith('#')).map(({ line, at }) => keyOf(line, at));
  if (keys.length === 0) wrong(` hold none: a line must be ${FORM}`);
  for (const { id } of keys)
    if (keys.filter((other) => other.id === id).length > 1) wrong(` have two with the number ${id}: give one another`);
  return keys;
};

/** @throws StartError, ConfigError: it is not there, others may read it, or it holds something else */
export const readCidKeys = (file: string, resetKey: Uint8Array | undefined): CidKey[] =>
  parseCidKeys(readSecretFile(file, 'the file of keys of connection IDs').toString(), file, resetKey);

/**
 * What has to be so for connection IDs that are there to be read on.
 *
 * @throws StartError when a number has another key than before
 */
export const checkRotation = (before: readonly CidKey[], after: readonly CidKey[]): void => {
  for (const { id, key } of after) {
    const old = before.find((one) => one.id === id);
    if (old === undefined || Buffer.compare(old.key, key) === 0) continue;
    throw new StartError(
      `the key of connection IDs with the number ${id} is another one, and connections have some by the old one: give it a number that no key has`,
    );
  }
};
