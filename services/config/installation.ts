import { create, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { uniqueLocalPrefix } from '#model/addresses.ts';
import { configKey, SYSTEM } from '#model/names.ts';
import { type Installation, InstallationSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { Store } from '#services/store/store.ts';

const KEY = configKey(SYSTEM, 'installation', 'this');

/** What was chosen once for this installation; the first who asks chooses. */
export const readInstallation = async (store: Store): Promise<Installation> => {
  const record = await store.get(KEY);
  if (record !== undefined) return store.read(InstallationSchema, record);
  const installation = create(InstallationSchema, {
    ipv6Prefix: uniqueLocalPrefix(crypto.getRandomValues(new Uint8Array(5))),
    createTime: timestampNow(),
  });
  try {
    await store.commit([{ key: KEY, value: toBinary(InstallationSchema, installation), ifRevision: 0 }]);
    return installation;
  } catch (error) {
    if (error instanceof ConflictError) return readInstallation(store);
    throw error;
  }
};
