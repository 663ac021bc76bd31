import { ErrorCode, OpenSubcode, remoteError } from '../../errors.ts';
import { type CapabilityRow, Role } from './definition.ts';

/** RFC 9234 §4.1; several are one when they are the same, otherwise a Role Mismatch (§4.2). */
export const role: CapabilityRow = {
  code: 9,
  name: 'role',
  read: (value, draft) => {
    if (value.length !== 1) return false;
    if (draft.role !== undefined && draft.role !== value[0]) {
      throw remoteError(ErrorCode.open, OpenSubcode.roleMismatch, 'two different roles');
    }
    draft.role = value[0];
    return true;
  },
  write: ({ role: own }) => (own === undefined ? [] : [[own]]),
};

/** By a role, that which the peer must have (RFC 9234 §4.2, table 2). */
export const COUNTERPARTS: Readonly<Record<number, Role>> = {
  [Role.provider]: Role.customer,
  [Role.customer]: Role.provider,
  [Role.routeServer]: Role.routeServerClient,
  [Role.routeServerClient]: Role.routeServer,
  [Role.peer]: Role.peer,
};

/** Whether the peer may have this role when ours is that (RFC 9234 §4.2, table 2). */
export const rolesCorrespond = (ours: Role, theirs: number): boolean => COUNTERPARTS[ours] === theirs;
