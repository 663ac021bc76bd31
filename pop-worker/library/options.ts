import { isIP } from 'node:net';
import type { TlsIdentity } from '#host/tls/context.ts';

/** Looks at the value of an option. @throws RangeError: one sentence that names the option, what is allowed, what was given */
export type Check = (value: unknown, option: string) => void;

/** A check for each option of `T`: one without is a compile error. */
export type Checks<T> = Readonly<Record<keyof T, Check>>;

const MOST_CHARACTERS = 40;
const MOST_ITEMS = 8;

/** What a value is, without what it says: for secrets. */
const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
};

const shown = (value: unknown): string => {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value);
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value) && value.length > 0 && value.length <= MOST_ITEMS) return `[${value.map(shown).join(', ')}]`;
  return kindOf(value);
};

const must =
  (show: (value: unknown) => string) =>
  (test: (value: unknown) => boolean, allowed: string): Check =>
  (value, option) => {
    if (!test(value)) throw new RangeError(`${option} must be ${allowed}, not ${show(value)}`);
  };

export const mustBe = must(shown);
/** As `mustBe`; the error does not tell what was given. */
export const mustBeSecret = must(kindOf);

/** @param source the section that says so */
export const whole = (min: number, max: number, source = ''): Check =>
  mustBe(
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    `a whole number from ${min} to ${max}${source && ` (${source})`}`,
  );

export const trueOrFalse: Check = mustBe((value) => typeof value === 'boolean', 'true or false');

export const oneOf = (names: readonly string[]): Check =>
  mustBe((value) => names.includes(value as string), names.map((name) => `"${name}"`).join(' or '));

export const isFunction: Check = mustBe((value) => typeof value === 'function', 'a function');

export const secretBytes = (bytes: number): Check =>
  mustBeSecret((value) => value instanceof Uint8Array && value.length === bytes, `${bytes} bytes (Uint8Array)`);

export const ipAddress: Check = mustBe(
  (value) => typeof value === 'string' && isIP(value) !== 0,
  'an IPv4 or IPv6 address',
);

const isText = (value: unknown, most: number): boolean => {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0;
  return bytes > 0 && bytes <= most;
};

/** @param what it says */
export const text = (most: number, what: string): Check =>
  mustBe((value) => isText(value, most), `${what} of 1 to ${most} bytes`);

/** Names of protocols in TLS. */
export const protocols: Check = mustBe(
  (value) => Array.isArray(value) && value.length > 0 && value.every((name) => isText(name, 255)),
  'a list of one protocol name or more, of 1 to 255 bytes each (RFC 7301 §3.1)',
);

/** What another part checks, before there is a socket. */
export const checkedElsewhere: Check = () => {};

const isObject = mustBeSecret((value) => typeof value === 'object' && value !== null, 'an object');

/**
 * Checks options, and that there are no others. `undefined` stands for the default.
 *
 * @param prefix in front of their names in errors @throws RangeError
 */
export const checkOptions = <T>(
  options: unknown,
  checks: Checks<T>,
  required: readonly (keyof T & string)[] = [],
  prefix = '',
): void => {
  isObject(options, prefix === '' ? 'what options are given in' : prefix.slice(0, -1));
  const known: Readonly<Record<string, Check>> = checks;
  const given = Object.entries(options as object);
  for (const [name, value] of given) {
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined) {
      throw new RangeError(`${prefix}${name} is no option: there are ${Object.keys(known).join(', ')}`);
    }
    if (value !== undefined) check(value, prefix + name);
  }
  for (const name of required) {
    if (!given.some(([one, value]) => one === name && value !== undefined)) checks[name](undefined, prefix + name);
  }
};

/** An option that has options itself. */
export const each =
  <T>(checks: Checks<T>, required: readonly (keyof T & string)[] = []): Check =>
  (value, option) =>
    checkOptions<T>(value, checks, required, `${option}.`);

const isPem = (value: unknown): boolean =>
  typeof value === 'string' || typeof (value as { file?: unknown } | null | undefined)?.file === 'string';

const pem: Check = mustBeSecret(isPem, 'PEM text or { file }');

/** A certificate with its key. */
export const identity: Check = each<TlsIdentity>({ certificateChain: pem, privateKey: pem }, [
  'certificateChain',
  'privateKey',
]);

const isFilledList: Check = mustBeSecret(
  (value) => Array.isArray(value) && value.length > 0,
  'a list of one certificate with its key or more',
);

export const identities: Check = (value, option) => {
  isFilledList(value, option);
  for (const [at, one] of (value as readonly unknown[]).entries()) identity(one, `${option}[${at}]`);
};

/** Without what is undefined, which would hide defaults. */
export const defined = <T extends object>(values: T | undefined): T =>
  Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => value !== undefined)) as T;
