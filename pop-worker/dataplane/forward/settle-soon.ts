import type { Forwarder } from './forwarder.ts';
import type { Session } from './session.ts';

/** The mesh says after half a second at the latest that a device may be served. */
const SETTLED_MS = 1000;
/** The mesh has told its neighbours of a device in about a millisecond, though it waits for one that had it before. */
const TOLD_MS = 20;

/** A session waits for the mesh to say that its device may be served. Whoever is to say so may fail: that must cost no device its session. */
export const settleSoon = (session: Session, forwarder: Pick<Forwarder, 'settle' | 'told'>): void => {
  session.isSettled = false;
  session.isTold = false;
  setTimeout(() => {
    forwarder.told(session);
  }, TOLD_MS).unref();
  setTimeout(() => {
    forwarder.settle(session);
  }, SETTLED_MS).unref();
};
