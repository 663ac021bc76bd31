import { FLEET_MANIFEST } from '#model/names.ts';
import { type Manifest, ManifestSchema, SignedManifestSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import type { LastRevision, Store } from '#services/store/store.ts';

/** What a record of the fleet's manifest says; undefined for none, and for what is no manifest: then a new one is due. */
export const manifestIn = (desired: Store, { value, revision }: Omit<LastRevision, 'timeMs'>): Manifest | undefined => {
  if (value === undefined) return undefined;
  const signed = desired.tryRead(SignedManifestSchema, { key: FLEET_MANIFEST, value, revision });
  return signed && desired.tryRead(ManifestSchema, { key: FLEET_MANIFEST, value: signed.manifest, revision });
};
