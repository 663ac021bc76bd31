import { toBinary } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, FLEET_MANIFEST, SYSTEM } from '#model/names.ts';
import { type Revision, RevisionSchema, type RevisionService } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { apiError } from '#services/api/errors.ts';
import { callerOf } from '#services/authn/authenticate.ts';
import { makeChange } from './change.ts';
import { manifestIn } from './manifest.ts';
import { readPage } from './page.ts';
import { readRecord, readResource } from './resource.ts';
import type { Stores } from './stores.ts';

const ALL_REVISIONS = configKey(SYSTEM, 'revision', 'x').replace(/x$/, '*');

const readRevision = ({ config }: Stores, number: bigint) =>
  readRecord(config, 'revision', String(number), ConfigKey.revision(number));

export const revisionService = (stores: Stores): ServiceImpl<typeof RevisionService> => ({
  listRevisions: async ({ page }) => {
    const { items, nextPageToken } = await readPage(stores.config, RevisionSchema, ALL_REVISIONS, page);
    return { revisions: items, nextPageToken };
  },

  getRevision: async ({ number }) => readResource(stores.config, RevisionSchema, await readRevision(stores, number)),

  // Only asked for here: what signs revisions is not wherever the API is served.
  forceRevision: (request, context) =>
    makeChange<Revision>(stores.config, context, request, async () => {
      const record = await readRevision(stores, request.number);
      const revision = readResource(stores.config, RevisionSchema, record);
      if (revision.force || revision.forceReason !== '') return { unchanged: revision };
      await mustBeNewest(stores, request.number);
      revision.forceAuthor = callerOf(context).subject;
      revision.forceReason = request.reason;
      return {
        resource: { key: record.key, value: toBinary(RevisionSchema, revision), ifRevision: record.revision },
        event: { tenant: SYSTEM, data: { case: 'revisionForced', value: revision } },
        answer: revision,
      };
    }),
});

/** What was published meanwhile may cut off others: nobody has looked at that. */
const mustBeNewest = async ({ desired }: Stores, number: bigint): Promise<void> => {
  const newest = manifestIn(desired, await desired.last(FLEET_MANIFEST))?.number;
  if (newest === number) return;
  const message = `revision ${number} is not the newest, ${newest ?? 'none'} is: see what workers say to that one`;
  throw apiError(Code.FailedPrecondition, 'REVISION_NOT_NEWEST', message);
};
