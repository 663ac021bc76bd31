import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { PageRequest } from '#proto/gen/cloudbridge/v1/common_pb.ts';
import { badRequest } from '#services/api/errors.ts';
import type { Store } from '#services/store/store.ts';
import { withEtag } from './resource.ts';

const DEFAULT_SIZE = 100;

/** A token is opaque to callers: which list it belongs to and where that goes on. */
const encodeToken = (filter: string, after: number | undefined): string =>
  after === undefined ? '' : btoa(`${filter} ${after}`).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const decodeToken = (filter: string, token: string): number => {
  if (token === '') return 0;
  try {
    const match = /^(\S+) ([1-9]\d{0,15})$/.exec(atob(token.replaceAll('-', '+').replaceAll('_', '/')));
    if (match?.[1] === filter) return Number(match[2]);
  } catch {
    // Not even base64: the same mistake.
  }
  throw badRequest(
    [{ field: 'page.token', description: 'is not from the answer before of this very list' }],
    'PAGE_TOKEN_INVALID',
  );
};

export interface ResourcePage<T> {
  readonly items: T[];
  readonly nextPageToken: string;
}

/** One page of the resources whose keys match, without those that cannot be read. @param keep leaves out what the caller may not see */
export const readPage = async <Desc extends DescMessage>(
  store: Store,
  schema: Desc,
  filter: string,
  page: PageRequest | undefined,
  keep: (item: MessageShape<Desc>) => boolean = () => true,
): Promise<ResourcePage<MessageShape<Desc>>> => {
  const size = page?.size || DEFAULT_SIZE;
  const items: MessageShape<Desc>[] = [];
  let after: number | undefined = decodeToken(filter, page?.token ?? '');
  while (items.length < size && after !== undefined) {
    const { records, next }: Awaited<ReturnType<Store['page']>> = await store.page(filter, after, size - items.length);
    for (const record of records) {
      const item = store.tryRead(schema, record);
      if (item !== undefined && keep(item)) items.push(withEtag(item, record.revision));
    }
    after = next;
  }
  return { items, nextPageToken: encodeToken(filter, after) };
};
