import type { ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, SYSTEM } from '#model/names.ts';
import { RevisionSchema, type RevisionService } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { readPage } from './page.ts';
import { readRecord, readResource } from './resource.ts';
import type { Stores } from './stores.ts';

const ALL_REVISIONS = configKey(SYSTEM, 'revision', 'x').replace(/x$/, '*');

export const revisionService = ({ config }: Stores): ServiceImpl<typeof RevisionService> => ({
  listRevisions: async ({ page }) => {
    const { items, nextPageToken } = await readPage(config, RevisionSchema, ALL_REVISIONS, page);
    return { revisions: items, nextPageToken };
  },

  getRevision: async ({ number }) =>
    readResource(RevisionSchema, await readRecord(config, 'revision', String(number), ConfigKey.revision(number))),
});
