/** Transport parameters (RFC 9000 §18): the entry to `parameters/`. */
export {
  DEFAULT_TRANSPORT_PARAMETERS,
  type TransportParameters,
} from './parameters/definition.ts';
export { encodeTransportParameters } from './parameters/encode.ts';
export { parseTransportParameters } from './parameters/parse.ts';
