import { create, type DescField, fromJson, type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { timestampDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Event, EventSchema } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { SYSTEM } from './names.ts';

/** An event as it lies in CB_EVENTS: CloudEvents 1.0, NATS binding, binary mode. */
export interface EventMessage {
  readonly subject: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const CONTENT_TYPE = 'application/json';

/** `/cloudbridge/config` or the worker that saw it happen. */
const CONFIG_SOURCE = '/cloudbridge/config';

/** `device_created` → area `device`, type `created`. */
const splitName = (name: string): readonly [area: string, type: string] => {
  const at = name.lastIndexOf('_');
  return [name.slice(0, at), name.slice(at + 1)];
};

const dataField = (event: Event): DescField & { fieldKind: 'message' } => {
  const field = EventSchema.fields.find(({ localName }) => localName === event.data.case);
  if (field?.fieldKind !== 'message') throw new RangeError(`event ${event.id} has no data`);
  return field;
};

/** What the event is about, as the last part of its subject. */
const idOf = (data: Message): string => {
  const { id, device, number } = data as Message & { id?: string; device?: string; number?: bigint };
  // Of some resources there is one, which has no name.
  return id ?? device ?? (number === undefined ? 'this' : String(number));
};

export const toEventMessage = (event: Event, source = CONFIG_SOURCE): EventMessage => {
  const field = dataField(event);
  const [area, type] = splitName(field.name);
  const data = event.data.value as Message;
  const id = idOf(data);
  const meta = new Map<string, string>();
  meta.set('Nats-Msg-Id', event.id);
  meta.set('ce-specversion', '1.0');
  meta.set('ce-id', event.id);
  meta.set('ce-type', `cloudbridge.v1.${area}.${type}`);
  meta.set('ce-source', source);
  meta.set('ce-subject', id);
  if (event.time !== undefined) meta.set('ce-time', timestampDate(event.time).toISOString());
  // Extension attributes (CloudEvents 1.0, "Extension Context Attributes").
  meta.set('ce-tenant', event.tenant);
  meta.set('ce-actor', encodeURIComponent(event.actor));
  meta.set('content-type', CONTENT_TYPE);
  return {
    subject: `cb.events.${event.tenant || SYSTEM}.${area}.${type}.${id}`,
    headers: meta,
    body: JSON.stringify(toJson(field.message, data)),
  };
};

/** @returns undefined when it is no event that this version knows */
export const fromEventMessage = (message: {
  readonly subject: string;
  /** Whatever finds a header by its name. */
  readonly headers?: { get(name: string): string | undefined } | undefined;
  readonly body: string;
}): Event | undefined => {
  const [, , tenant = '', area, type] = message.subject.split('.');
  const field = EventSchema.fields.find(({ name }) => name === `${area}_${type}`);
  if (field?.fieldKind !== 'message') return undefined;
  try {
    const value = fromJson(field.message, JSON.parse(message.body) as JsonValue, { ignoreUnknownFields: true });
    return create(EventSchema, {
      id: message.headers?.get('ce-id') ?? '',
      tenant,
      time: timestampFromMs(Date.parse(message.headers?.get('ce-time') ?? '') || 0),
      actor: decodeURIComponent(message.headers?.get('ce-actor') ?? ''),
      data: { case: field.localName, value } as Event['data'],
    });
  } catch {
    return undefined;
  }
};
