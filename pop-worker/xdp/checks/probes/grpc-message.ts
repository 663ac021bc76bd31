/** What servers say of a service (grpc.health.v1, HealthCheckResponse.ServingStatus). */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof STATUSES)[number];

/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
/** Field 1, with a length. */
const SERVICE_TAG = 0x0a;
/** Field 1, a varint. */
const STATUS_TAG = 0x08;
/** Lengths below have one byte. */
const MOST_SERVICE_BYTES = 127;

const framed = (message: Uint8Array): Buffer => {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

/** HealthCheckRequest with its prefix. @throws RangeError for a name of more than 127 bytes */
export const healthRequest = (service: string): Buffer => {
  const name = Buffer.from(service, 'utf8');
  if (name.length > MOST_SERVICE_BYTES) throw new RangeError('the name of a service has 127 bytes at most');
  return framed(name.length === 0 ? name : Buffer.from([SERVICE_TAG, name.length, ...name]));
};

/** @param bytes of an answer, which has one message @returns undefined: it is none */
export const servingStatus = (bytes: Buffer): ServingStatus | undefined => {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== 0) return undefined;
  if (bytes.readUInt32BE(1) !== bytes.length - PREFIX_BYTES) return undefined;
  const message = bytes.subarray(PREFIX_BYTES);
  // A field with its default value is not there (proto3).
  if (message.length === 0) return STATUSES[0];
  return message.length === 2 && message[0] === STATUS_TAG ? STATUSES[message[1] as number] : undefined;
};
