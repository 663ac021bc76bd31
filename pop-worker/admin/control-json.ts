import { type JsonObject, toJson } from '@bufbuild/protobuf';
import type { ControlView } from '#control/describe.ts';
import { ControlContactSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';

/** What a worker knows of its control plane as the API shows it: `ControlContact` in JSON, with the revision in force. */
export const controlJson = ({ revision, fromDisk, contact, disk }: ControlView): JsonObject => ({
  revision: String(revision),
  fromDisk,
  fallbacks: Object.fromEntries(
    Object.entries(disk).flatMap(([file, { fallback }]) => (fallback === undefined ? [] : [[file, fallback]])),
  ),
  ...(toJson(ControlContactSchema, contact, { alwaysEmitImplicit: true }) as JsonObject),
});
