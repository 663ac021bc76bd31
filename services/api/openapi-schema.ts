import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import { field as fieldRules } from '#proto/gen/buf/validate/validate_pb.ts';
import { isOutputOnly } from './request-json.ts';

export type OpenApiVersion = '3.0.3' | '3.1.0';

/** JSON forms of messages that protobuf's JSON mapping writes in a way of their own. */
const WELL_KNOWN: Readonly<Record<string, JsonObject>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string' },
  'google.protobuf.FieldMask': { type: 'string', description: 'Names of fields, with commas between them.' },
};

const EXAMPLES: Readonly<Record<string, JsonValue>> = {
  id: 'laptop',
  tenant: 'acme',
  network: 'office',
  device: 'laptop',
  pop: 'moscow',
  worker: 'w1',
  displayName: 'The name that people see',
  organisation: 'org-1',
  owner: 'user-1',
  ipv4Pool: '10.64.0.0/24',
  ipv6Prefix: 'fd12:3456:789a:1::/64',
  ipv4Address: '10.64.0.2',
  ipv6Address: 'fd12:3456:789a:1::a40:2',
  etag: '42',
  nextPageToken: '',
};

const LONG: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

const scalarSchema = (type: ScalarType): JsonObject => {
  if (type === ScalarType.BOOL) return { type: 'boolean' };
  if (type === ScalarType.STRING) return { type: 'string' };
  if (type === ScalarType.BYTES) return { type: 'string', format: 'byte' };
  if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) return { type: 'number' };
  // 64 bits come as text: JSON's numbers hold only 53.
  if (LONG.has(type)) return { type: 'string', format: type === ScalarType.UINT64 ? 'uint64' : 'int64' };
  return { type: 'integer', format: type === ScalarType.UINT32 ? 'uint32' : 'int32' };
};

/** Schemas of messages, collected as they are referred to. */
export class Schemas {
  readonly #version: OpenApiVersion;
  readonly #found = new Map<string, JsonObject>();

  constructor(version: OpenApiVersion) {
    this.#version = version;
  }

  all(): JsonObject {
    return Object.fromEntries([...this.#found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  isText(field: DescField): boolean {
    return field.fieldKind === 'message' && field.message.typeName in WELL_KNOWN;
  }

  ref(message: DescMessage): JsonObject {
    const known = WELL_KNOWN[message.typeName];
    if (known !== undefined) return { ...known };
    if (!this.#found.has(message.name)) {
      // Known before it is made, for messages that hold themselves.
      this.#found.set(message.name, {});
      this.#found.set(
        message.name,
        this.inline(message, () => true),
      );
    }
    return { $ref: `#/components/schemas/${message.name}` };
  }

  /** @param keep says by name which fields to take */
  inline(message: DescMessage, keep: (name: string) => boolean): JsonObject {
    const fields = message.fields.filter(({ name }) => keep(name));
    return {
      type: 'object',
      properties: Object.fromEntries(fields.map((field) => [field.jsonName, this.#property(field)])),
    };
  }

  ofField(field: DescField): JsonObject {
    return { ...this.#value(field), ...this.#rules(field) };
  }

  /** @param path dotted, as in path templates */
  ofPath(message: DescMessage, path: string): JsonObject {
    const [first = '', ...rest] = path.split('.');
    const field = message.fields.find(({ name }) => name === first);
    if (field === undefined) throw new RangeError(`${message} has no field ${path}`);
    if (rest.length > 0 && field.fieldKind === 'message') return this.ofPath(field.message, rest.join('.'));
    return this.ofField(field);
  }

  /** An answer or a body as it may look. */
  example(message: DescMessage, keep: (field: DescField) => boolean, depth = 0): JsonObject {
    const result: JsonObject = {};
    for (const field of message.fields) {
      if (!keep(field) || (field.oneof !== undefined && field.oneof.fields[0] !== field)) continue;
      const value = this.#exampleValue(field, keep, depth);
      if (value !== undefined) result[field.jsonName] = value;
    }
    return result;
  }

  #exampleValue(field: DescField, keep: (field: DescField) => boolean, depth: number): JsonValue | undefined {
    const known = EXAMPLES[field.jsonName];
    if (field.fieldKind === 'scalar') return known ?? undefined;
    if (field.fieldKind === 'enum') return field.enum.values[1]?.name;
    if (depth >= 2) return undefined;
    if (field.fieldKind === 'message') {
      if (field.message.typeName === 'google.protobuf.Timestamp') return '2026-11-25T12:00:00Z';
      return this.isText(field) ? undefined : this.example(field.message, keep, depth + 1);
    }
    if (field.fieldKind === 'list' && field.listKind === 'message')
      return [this.example(field.message, keep, depth + 1)];
    return undefined;
  }

  #property(field: DescField): JsonObject {
    const schema = this.ofField(field);
    if (!isOutputOnly(field)) return schema;
    // OpenAPI 3.0 lets nothing stand beside a $ref.
    if ('$ref' in schema && this.#version === '3.0.3') return { allOf: [schema], readOnly: true };
    return { ...schema, readOnly: true };
  }

  #value(field: DescField): JsonObject {
    if (field.fieldKind === 'scalar') return scalarSchema(field.scalar);
    if (field.fieldKind === 'enum') return enumSchema(field.enum);
    if (field.fieldKind === 'message') return this.ref(field.message);
    if (field.fieldKind === 'map') return { type: 'object', additionalProperties: true };
    if (field.listKind === 'scalar') return { type: 'array', items: scalarSchema(field.scalar) };
    return { type: 'array', items: field.listKind === 'enum' ? enumSchema(field.enum) : this.ref(field.message) };
  }

  /** The rules of protovalidate that OpenAPI can say too. */
  #rules(field: DescField): JsonObject {
    if (field.fieldKind !== 'scalar' || !hasOption(field, fieldRules)) return {};
    const { type } = getOption(field, fieldRules);
    if (type.case === 'string') {
      const { minLen, maxLen, pattern } = type.value;
      return {
        ...(minLen > 0n && { minLength: Number(minLen) }),
        ...(maxLen > 0n && { maxLength: Number(maxLen) }),
        ...(pattern !== '' && { pattern }),
      };
    }
    if (type.case !== 'int32' && type.case !== 'double') return {};
    const { greaterThan, lessThan } = type.value;
    return {
      ...(greaterThan.case === 'gte' && { minimum: greaterThan.value }),
      ...(lessThan.case === 'lte' && { maximum: lessThan.value }),
    };
  }
}

const enumSchema = ({ values }: DescEnum): JsonObject => ({ type: 'string', enum: values.map(({ name }) => name) });
