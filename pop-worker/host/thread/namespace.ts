import { native } from '../native.ts';

/**
 * Runs `work` with the calling thread in another network namespace; what it opens stays there, the thread comes back.
 * `work` is synchronous: an await inside would let other work of the thread run in the wrong namespace.
 *
 * @param path `/run/netns/NAME`, or `/proc/PID/ns/net`
 */
export const inNamespace = <Result>(path: string, work: () => Result): Result => {
  const home = native.namespaceOpen('/proc/thread-self/ns/net');
  try {
    const away = native.namespaceOpen(path);
    try {
      native.namespaceEnter(away);
    } finally {
      native.namespaceClose(away);
    }
    try {
      return work();
    } finally {
      native.namespaceEnter(home);
    }
  } finally {
    native.namespaceClose(home);
  }
};
