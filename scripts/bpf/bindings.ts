import type { BtfMember, BtfType } from './btf.ts';

/** A field of a record: a number, or bytes. */
interface Field {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** In the order of networks. */
  readonly isBig: boolean;
  /** Several of them are bytes as they lie there. */
  readonly count: number;
}

interface Record_ {
  readonly name: string;
  readonly bytes: number;
  readonly fields: readonly Field[];
}

const camel = (text: string): string => text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const pascal = (text: string): string => camel(`_${text}`);

/** TypeScript for the maps, records and lists of names in the programs of an object. */
export class Bindings {
  readonly #types: readonly BtfType[];
  readonly #symbols: ReadonlyMap<string, number>;
  readonly #constantBytes: number;
  readonly #records = new Map<string, Record_>();

  /** @param symbols where variables lie in their sections, which types do not say @param constantBytes of their section */
  constructor(types: readonly BtfType[], symbols: ReadonlyMap<string, number>, constantBytes: number) {
    this.#types = types;
    this.#symbols = symbols;
    this.#constantBytes = constantBytes;
  }

  /** @param isNetworkOrder seen on the way: a type of the name `__be16` or `__be32` */
  #resolve(number: number, isNetworkOrder = false): { readonly type: BtfType; readonly isBig: boolean } {
    const type = this.#types[number] as BtfType;
    if (type.kind !== 'alias') return { type, isBig: isNetworkOrder };
    return this.#resolve(type.of, isNetworkOrder || /^__be\d\d$/.test(type.name));
  }

  #field({ name, type: number, offset }: BtfMember): Field {
    const { type, isBig } = this.#resolve(number);
    if (type.kind === 'int' || type.kind === 'enum') return { name, offset, bytes: type.bytes, isBig, count: 1 };
    if (type.kind === 'struct') {
      const { bytes } = this.#record(number);
      return { name, offset, bytes: 1, isBig: false, count: bytes };
    }
    if (type.kind !== 'array') throw new Error(`${name}: a record has numbers, structs and arrays of them`);
    const element = this.#resolve(type.of);
    if (element.type.kind === 'struct') {
      const { bytes } = this.#record(type.of);
      return { name, offset, bytes, isBig: false, count: type.count };
    }
    if (element.type.kind !== 'int') throw new Error(`${name}: an array has numbers or structs`);
    return { name, offset, bytes: element.type.bytes, isBig: element.isBig, count: type.count };
  }

  #record(number: number): Record_ {
    const { type } = this.#resolve(number);
    if (type.kind === 'int' || type.kind === 'enum') return { name: '', bytes: type.bytes, fields: [] };
    if (type.kind !== 'struct' || type.name === '')
      throw new Error('a key or value is a struct with a name, or a number');
    const known = this.#records.get(type.name);
    if (known) return known;
    const record = { name: type.name, bytes: type.bytes, fields: type.members.map((member) => this.#field(member)) };
    this.#records.set(type.name, record);
    return record;
  }

  /** `__type(key, …)` of a map is a pointer to it. */
  #pointee(members: readonly BtfMember[], name: string): Record_ | undefined {
    const member = members.find((each) => each.name === name);
    if (member === undefined) return undefined;
    const { type } = this.#resolve(member.type);
    return type.kind === 'pointer' ? this.#record(type.to) : undefined;
  }

  #section(name: string): readonly BtfMember[] {
    const section = this.#types.find((type) => type.kind === 'section' && type.name === name);
    return section?.kind === 'section' ? section.members : [];
  }

  #variables(section: string) {
    return this.#section(section).map(({ type }) => {
      const variable = this.#types[type] as BtfType;
      if (variable.kind !== 'variable') throw new Error(`${section}: not a variable`);
      return { name: variable.name, of: variable.of };
    });
  }

  #maps(): string[] {
    return this.#variables('.maps').map(({ name, of }) => {
      const { type } = this.#resolve(of);
      const members = type.kind === 'struct' ? type.members : [];
      const parts = (['key', 'value'] as const).map((part) => {
        const record = this.#pointee(members, part);
        return `${part}: ${record === undefined || record.name === '' ? (record?.bytes ?? 0) : pascal(record.name)}`;
      });
      return `  ${camel(name)}: { name: '${name}', ${parts.join(', ')}, most: ${this.#number(members, 'max_entries')} },`;
    });
  }

  /** `__uint(name, …)` of a map is a pointer to an array of so many. */
  #number(members: readonly BtfMember[], name: string): number {
    const member = members.find((each) => each.name === name);
    const { type } = this.#resolve(member?.type ?? 0);
    const of = type.kind === 'pointer' ? this.#resolve(type.to).type : type;
    return of.kind === 'array' ? of.count : 0;
  }

  #constants(): string[] {
    return this.#variables('.rodata').map(
      ({ name, of }) =>
        `  ${camel(name)}: { at: ${this.#symbols.get(name)}, record: ${pascal(this.#record(of).name)} },`,
    );
  }

  #enums(): string[] {
    return this.#types.flatMap((type) => {
      if (type.kind !== 'enum' || type.name === '' || type.name.startsWith('bpf_') || type.name.startsWith('xdp_'))
        return [];
      const prefix = commonPrefix(type.values.map(({ name }) => name));
      const rows = type.values.map(
        ({ name, value }) => `  ${camel(name.slice(prefix.length).toLowerCase())}: ${value},`,
      );
      return [`/** enum ${type.name} */\nexport const ${pascal(type.name)} = {\n${rows.join('\n')}\n} as const;\n`];
    });
  }

  text(): string {
    const maps = this.#maps();
    const constants = this.#constants();
    const records = [...this.#records.values()].map((record) => recordText(record));
    return [
      "import { record } from '#host/bpf/record.ts';\n",
      ...records,
      ...this.#enums(),
      `export const MAPS = {\n${maps.join('\n')}\n} as const;\n`,
      `/** Where constants lie in their section, which has so many bytes. */\nexport const CONSTANTS = {\n${constants.join('\n')}\n} as const;`,
      `export const CONSTANT_BYTES = ${this.#constantBytes};\n`,
    ].join('\n');
  }
}

/** Up to an underscore, so that what is left of each is a word. */
const commonPrefix = (names: readonly string[]): string => {
  const [first = ''] = names;
  const parts = first.split('_');
  for (let count = parts.length - 1; count > 0; count--) {
    const prefix = `${parts.slice(0, count).join('_')}_`;
    if (names.every((name) => name.startsWith(prefix))) return prefix;
  }
  return '';
};

const recordText = ({ name, bytes, fields }: Record_): string => {
  const rows = fields.map(({ name: field, offset, bytes: width, isBig, count }) => {
    const kind = count > 1 ? `bytes: ${count * width}` : `width: ${width}${isBig ? ', isBig: true' : ''}`;
    return `  ${camel(field)}: { at: ${offset}, ${kind} },`;
  });
  return `/** struct ${name} */\nexport const ${pascal(name)} = record(${bytes}, {\n${rows.join('\n')}\n});\n`;
};
