/**
 * As much of CDDL (RFC 8610) as the qlog drafts are written in, for JSON (appendix E): maps, arrays, choices, sockets,
 * `~`, ranges of occurrence, `.regexp`, `.size`, `.default`. A map may hold no field that its definition does not name.
 */

type Type =
  | { readonly kind: 'choice'; readonly of: readonly Type[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unwrap'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'map'; readonly members: readonly Member[] }
  | { readonly kind: 'array'; readonly members: readonly Member[] }
  | { readonly kind: 'control'; readonly of: Type; readonly operator: string; readonly argument: Type };

interface Member {
  readonly min: number;
  readonly max: number;
  /** Undefined in arrays and for groups; a name in JSON, or the type of any name. */
  readonly key: string | undefined;
  readonly type: Type;
}

const TOKEN = /\s+|;[^\n]*|"[^"]*"|\/=|=>|\d+\*\d+|\$\$?[\w-]+|[\w-]+|\.[a-z]+|[{}[\]()=/:?*+~,]/y;

const tokensOf = (text: string): string[] => {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const [token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new Error(`CDDL that is not understood: ${text.slice(at, at + 40)}`);
    if (!/^[\s;]/.test(token)) tokens.push(token);
  }
  return tokens;
};

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead] ?? '';
  }

  #take(expected?: string): string {
    const token = this.#peek();
    if (expected !== undefined && token !== expected) throw new Error(`CDDL: ${token} where ${expected} should be`);
    this.#at++;
    return token;
  }

  #takeIf(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  }

  rule(): { readonly name: string; readonly adds: boolean; readonly type: Type } {
    const name = this.#take();
    const adds = this.#takeIf('/=');
    if (!adds) this.#take('=');
    return { name, adds, type: this.#type() };
  }

  #type(): Type {
    const of = [this.#one()];
    while (this.#takeIf('/')) of.push(this.#one());
    return of.length === 1 ? (of[0] as Type) : { kind: 'choice', of };
  }

  #one(): Type {
    const type = this.#simple();
    if (!/^\.[a-z]+$/.test(this.#peek())) return type;
    return { kind: 'control', of: type, operator: this.#take(), argument: this.#simple() };
  }

  #simple(): Type {
    const token = this.#take();
    if (token === '{') return { kind: 'map', members: this.#members('}') };
    if (token === '[') return { kind: 'array', members: this.#members(']') };
    if (token === '~') return { kind: 'unwrap', name: this.#take() };
    if (token.startsWith('"')) return { kind: 'literal', value: token.slice(1, -1) };
    if (/^\d+$/.test(token)) return { kind: 'literal', value: Number(token) };
    return { kind: 'name', name: token };
  }

  #members(end: string): Member[] {
    const members: Member[] = [];
    while (!this.#takeIf(end)) {
      members.push(this.#member());
      this.#takeIf(',');
    }
    return members;
  }

  #member(): Member {
    const [min, max] = this.#occurrence();
    if (this.#peek(1) === ':' || this.#peek(1) === '=>') {
      const any = this.#peek(1) === '=>';
      const key = this.#take();
      this.#take();
      return { min, max, key: any ? ANY_NAME : key, type: this.#type() };
    }
    return { min, max, key: undefined, type: this.#type() };
  }

  #occurrence(): readonly [number, number] {
    if (this.#takeIf('?')) return [0, 1];
    if (this.#takeIf('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#takeIf('+')) return [1, Number.POSITIVE_INFINITY];
    const range = /^(\d+)\*(\d+)$/.exec(this.#peek());
    if (range === null) return [1, 1];
    this.#take();
    return [Number(range[1]), Number(range[2])];
  }
}

const ANY_NAME = '*';

/** JSON has no integers beyond 2^53: the drafts take them as text, too (main schema §11.3). */
const isUint = (value: unknown): boolean =>
  (typeof value === 'number' && Number.isInteger(value) && value >= 0) ||
  (typeof value === 'string' && /^\d{16,20}$/.test(value));

const PRELUDE: Readonly<Record<string, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  uint: isUint,
  float32: (value) => typeof value === 'number' && Number.isFinite(value),
  float64: (value) => typeof value === 'number' && Number.isFinite(value),
  any: () => true,
};

/** A schema put together from several texts. */
export class Cddl {
  readonly #rules = new Map<string, Type>();

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      for (const parser = new Parser(text); !parser.done; ) {
        const { name, adds, type } = parser.rule();
        const before = this.#rules.get(name);
        // Both QUIC and HTTP/3 define Initiator, and alike.
        this.#rules.set(name, adds && before !== undefined ? { kind: 'choice', of: [before, type] } : type);
      }
    }
  }

  get names(): readonly string[] {
    return [...this.#rules.keys()];
  }

  /** @returns what is wrong with a value, undefined when it is as the rule says */
  check(rule: string, value: unknown): string | undefined {
    return this.#check({ kind: 'name', name: rule }, value, rule);
  }

  #check(type: Type, value: unknown, where: string): string | undefined {
    switch (type.kind) {
      case 'literal':
        return value === type.value ? undefined : `${where} is ${JSON.stringify(value)}, not ${type.value}`;
      case 'choice': {
        const faults = type.of.map((each) => this.#check(each, value, where));
        if (faults.includes(undefined)) return undefined;
        // Whose names are all as they should be was meant.
        return faults.find((fault) => fault?.includes(', not ') === false) ?? faults[0];
      }
      case 'control':
        return this.#check(type.of, value, where) ?? this.#control(type, value, where);
      case 'map':
        return this.#map(type.members, value, where);
      case 'array':
        return this.#array(type.members, value, where);
      case 'unwrap':
        return `${where}: ~${type.name} outside of a map`;
      case 'name':
        return this.#name(type.name, value, where);
    }
  }

  #name(name: string, value: unknown, where: string): string | undefined {
    const rule = this.#rules.get(name);
    if (rule !== undefined) return this.#check(rule, value, where);
    const known = PRELUDE[name];
    if (known === undefined) return `${where}: no rule ${name}`;
    return known(value) ? undefined : `${where} is ${JSON.stringify(value)}, no ${name}`;
  }

  #control(
    { operator, argument }: Extract<Type, { kind: 'control' }>,
    value: unknown,
    where: string,
  ): string | undefined {
    const limit = argument.kind === 'literal' ? argument.value : undefined;
    if (operator === '.regexp') {
      return new RegExp(`^(?:${limit})$`).test(String(value)) ? undefined : `${where} does not match ${limit}`;
    }
    if (operator === '.size' && typeof value === 'number') {
      return value < 256 ** Number(limit) ? undefined : `${where} is larger than ${limit} bytes`;
    }
    return undefined;
  }

  /** Members of a map, those of unwrapped maps and of group sockets included. */
  #flat(members: readonly Member[]): readonly Member[] {
    return members.flatMap((member) => {
      if (member.key !== undefined) return [member];
      const name = member.type.kind === 'unwrap' || member.type.kind === 'name' ? member.type.name : '';
      const rule = this.#rules.get(name);
      return rule?.kind === 'map' ? this.#flat(rule.members) : [];
    });
  }

  #map(members: readonly Member[], value: unknown, where: string): string | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${where} is no map`;
    const flat = this.#flat(members);
    const object = value as Readonly<Record<string, unknown>>;
    for (const [name, each] of Object.entries(object)) {
      const member = flat.find(({ key }) => key === name) ?? flat.find(({ key }) => key === ANY_NAME);
      if (member === undefined) return `${where}.${name}: no such field`;
      const fault = this.#check(member.type, each, `${where}.${name}`);
      if (fault !== undefined) return fault;
    }
    const missing = flat.find(({ key, min }) => min > 0 && key !== undefined && !Object.hasOwn(object, key));
    return missing && `${where} has no ${missing.key}`;
  }

  /** Of arrays the drafts have none but those of one member. */
  #array([member, ...more]: readonly Member[], value: unknown, where: string): string | undefined {
    if (!Array.isArray(value)) return `${where} is no array`;
    if (member === undefined || more.length > 0) return `${where}: an array of several members is not understood`;
    if (value.length < member.min || value.length > member.max) return `${where} has ${value.length} members`;
    for (const [i, each] of value.entries()) {
      const fault = this.#check(member.type, each, `${where}.${i}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
}
