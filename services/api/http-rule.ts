import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf';
import { http } from '#proto/gen/google/api/annotations_pb.ts';

export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';

/** How one RPC appears over plain HTTP (the mapping that `google/api/http.proto` describes). */
export interface HttpRule {
  readonly rpc: DescMethod;
  readonly method: HttpMethod;
  /** As written: `/v1/tenants/{tenant}/devices/{device}`. */
  readonly template: string;
  readonly segments: readonly Segment[];
  /** Field that the body is, `*` for the whole request, '' for none. */
  readonly body: string;
}

/** A literal, or a variable that takes one path segment; `field` is a dotted path into the request. */
export type Segment = { readonly literal: string } | { readonly field: string };

/** All rules of these services, those with literals before those with variables. */
export const httpRules = (services: readonly DescService[]): HttpRule[] => {
  const rules: HttpRule[] = [];
  for (const service of services) {
    for (const rpc of service.methods) {
      if (!hasOption(rpc, http)) continue;
      const { pattern, body } = getOption(rpc, http);
      if (pattern.case === undefined || pattern.case === 'custom') throw new RangeError(`${rpc}: a custom HTTP method`);
      const template = pattern.value;
      rules.push({
        rpc,
        method: pattern.case.toUpperCase() as HttpMethod,
        template,
        segments: parseTemplate(template),
        body,
      });
    }
  }
  return rules.sort((a, b) => variables(a) - variables(b));
};

const variables = (rule: HttpRule): number => rule.segments.filter((segment) => 'field' in segment).length;

/**
 * Reads a path template. Only literals and variables of one segment are taken: no wildcards, no verbs, so that every
 * router and every OpenAPI reader understands the same paths.
 */
export const parseTemplate = (template: string): Segment[] => {
  if (!template.startsWith('/')) throw new RangeError(`not a path: ${template}`);
  return template
    .slice(1)
    .split('/')
    .map((part) => {
      const variable = /^\{([a-z0-9_]+(?:\.[a-z0-9_]+)*)\}$/.exec(part);
      if (variable !== null) return { field: variable[1] as string };
      if (!/^[A-Za-z0-9._~-]+$/.test(part)) throw new RangeError(`not a segment of a path: ${part} in ${template}`);
      return { literal: part };
    });
};

/**
 * @param path as it came, still percent-encoded
 * @returns the variables by field path, or undefined when the path is another one or not decodable
 */
export const matchPath = (segments: readonly Segment[], path: string): Map<string, string> | undefined => {
  const parts = path.split('/');
  if (parts[0] !== '' || parts.length !== segments.length + 1) return undefined;
  const found = new Map<string, string>();
  for (const [i, segment] of segments.entries()) {
    const part = parts[i + 1] as string;
    if ('literal' in segment) {
      if (segment.literal !== part) return undefined;
      continue;
    }
    try {
      const value = decodeURIComponent(part);
      if (value === '') return undefined;
      found.set(segment.field, value);
    } catch {
      return undefined;
    }
  }
  return found;
};
