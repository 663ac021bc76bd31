import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { SYSTEM } from '#model/names.ts';
import { WorkerSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { GuardSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { apiError } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { GuardKey } from './guard.ts';

export const ALL_WORKERS = `${SYSTEM}.worker.*.*`;

/** It goes into connection IDs in 16 bits, and 0 is nobody's. */
const LAST_MEMBER = 0xffff;

const given = (value: Uint8Array | undefined): number => {
  if (value === undefined) return 0;
  try {
    return Number(fromBinary(GuardSchema, value).child) || 0;
  } catch {
    return 0;
  }
};

/**
 * A number for a worker that none has or had. Its record says which was the last that was given; where that record is lost
 * or damaged, the workers that there are say it.
 *
 * @returns the number, and what is to be committed with the worker: nobody else got that number meanwhile
 * @throws ResourceExhausted when all have been given
 */
export const nextMember = async (config: Store): Promise<{ readonly member: number; readonly taken: Change }> => {
  const last = await config.last(GuardKey.members);
  const there = (await config.list(ALL_WORKERS)).map((record) => config.tryRead(WorkerSchema, record)?.member ?? 0);
  const member = Math.max(given(last.value), ...there) + 1;
  if (member > LAST_MEMBER) {
    const message = `all ${LAST_MEMBER} numbers of workers have been given: take a new installation`;
    throw apiError(Code.ResourceExhausted, 'MEMBERS_EXHAUSTED', message);
  }
  const value = toBinary(GuardSchema, create(GuardSchema, { child: String(member) }));
  return { member, taken: { key: GuardKey.members, value, ifRevision: last.revision } };
};
