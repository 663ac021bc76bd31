import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

type Ways = Pick<TenantTable, 'carriers' | 'nat' | 'correspondents'>;

/** Gives a session that may leave its tenant what stands for its device outside. @param key of its device in the fleet */
export const openWayOut = ({ carriers, nat, correspondents }: Ways, session: Session, key: string): void => {
  if (!session.egress) return;
  if (session.address4 !== undefined) {
    if (nat === undefined) session.carrier = carriers.take(session.id);
    else nat.attach(session);
  }
  if (correspondents === undefined) return;
  session.pickUpUntil = correspondents.pickUpUntil(key);
  session.filters = correspondents.shared?.attach(key, (buffer, at) => session.ownsSource(buffer, at, 16)) ?? 0;
};

/** Takes that away; what waited for it is dropped. */
export const closeWayOut = ({ carriers, nat, correspondents }: Ways, session: Session): void => {
  if (session.carrier !== undefined) carriers.release(session.carrier);
  if (session.nat >= 0) nat?.detach(session);
  if (session.filters > 0) correspondents?.shared?.detach(session.filters, correspondents.now);
  session.heldUp?.release();
  session.heldUp = undefined;
  session.carrier = undefined;
  session.outside = undefined;
  session.filters = 0;
  session.pickUpUntil = -1;
};
