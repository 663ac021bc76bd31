import type { Notice } from './commands.ts';
import type { SessionObserver } from './forward/tenant-table.ts';

/** Tells the other threads of a thread's sessions. */
export const sessionNotices = (thread: number, notify: (notice: Notice) => void): SessionObserver => ({
  attached: ({ id, serial, tenant, device, sources, rank, outside, past }) =>
    notify({ type: 'attached', session: { thread, id, serial, tenant, device, sources, rank, outside, past } }),
  detached: ({ serial, tenant, device, sources }) =>
    notify({ type: 'detached', session: { thread, serial, tenant, device, sources } }),
});
