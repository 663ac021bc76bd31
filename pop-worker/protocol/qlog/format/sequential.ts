import { type QlogFormat, textSequence } from './format.ts';

/** Until there are RFCs, the drafts' revisions (SPEC.md) are part of their schemas' names. */
const EVENT_SCHEMAS = [
  'urn:ietf:params:qlog:events:quic-13',
  'urn:ietf:params:qlog:events:http3-13',
  'urn:ietf:params:qlog:events:loglevel',
];

/** JSON text sequences of the current drafts (main schema §5, §11.2). */
export const sequential: QlogFormat = {
  head: ({ vantage, groupId, wallClock }) =>
    textSequence({
      file_schema: 'urn:ietf:params:qlog:file:sequential',
      serialization_format: 'application/qlog+json-seq',
      trace: {
        common_fields: {
          group_id: groupId,
          time_format: 'relative_to_epoch',
          reference_time: { clock_type: 'monotonic', epoch: 'unknown', wall_clock_time: wallClock },
        },
        vantage_point: { name: 'cloudbridge', type: vantage },
        event_schemas: EVENT_SCHEMAS,
      },
    }),
  record: textSequence,
};
