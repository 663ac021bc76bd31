import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { MasqueError } from './errors.ts';
import { CAPSULE_PROTOCOL, hasContentFields } from './tunnel.ts';
import { percentDecode, type UriTemplate, type Variables } from './uri-template.ts';

/** An Extended CONNECT for a tunnel (RFC 9298 §3.4, RFC 9484 §4.5). @param fields more of the request */
export const tunnelRequest = (protocol: string, template: UriTemplate, values: Variables, fields: Fields): Fields => [
  { name: ':method', value: 'CONNECT' },
  { name: ':protocol', value: protocol },
  { name: ':scheme', value: template.scheme },
  { name: ':authority', value: template.authority },
  { name: ':path', value: template.expand(values) },
  CAPSULE_PROTOCOL,
  ...fields,
];

/** The template is no good for this protocol: the client's configuration is at fault (RFC 9298 §2, RFC 9484 §3). */
export const badTemplate = (message: string): MasqueError =>
  new MasqueError(Http3ErrorCode.internalError, 'local', `URI template: ${message}`);

/**
 * What a proxy sees of a request. The scheme and authority are for whoever routes requests to check; here the path
 * decides.
 *
 * @returns the variables, decoded; 'elsewhere' when the request is for another resource; 'malformed'
 */
export const matchTunnelRequest = (
  head: RequestHead,
  protocol: string,
  template: UriTemplate,
): Variables | 'elsewhere' | 'malformed' => {
  if (head.protocol !== protocol) return 'elsewhere';
  const raw = template.match(head.path ?? '');
  if (raw === undefined) return 'elsewhere';
  // RFC 9297 §3.2
  if (hasContentFields(head.fields)) return 'malformed';
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    const decoded = percentDecode(value);
    if (decoded === undefined) return 'malformed';
    values[name] = decoded;
  }
  return values;
};
