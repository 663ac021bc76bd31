/** Transport parameters (RFC 9000 §18): the entry to `parameters/`. */
export {
  DEFAULT_TRANSPORT_PARAMETERS,
  MAX_TRANSPORT_PARAMETERS_BYTES,
  type PreferredAddress,
  type ReservedParameter,
  type Role,
  type TransportParameters,
  type VersionInformation,
} from './parameters/definition.ts';
export { encodeTransportParameters } from './parameters/encode.ts';
export { parseTransportParameters } from './parameters/parse.ts';
