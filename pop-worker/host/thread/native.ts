declare const kind: unique symbol;
export type NamespaceHandle = { readonly [kind]: 'namespace' };
export type GuardHandle = { readonly [kind]: 'guard' };

/** All of these act on the calling thread alone. */
export interface ThreadNative {
  /** @param cpus CPU numbers, at least one of which exists */
  threadPin(cpus: Int32Array): void;
  /** Writes the CPU numbers that the thread may run on; @returns how many there are */
  threadAffinity(cpus: Int32Array): number;
  /**
   * Puts the thread before all ordinary ones (SCHED_RR); threads that it starts are ordinary. 0 makes it one again.
   *
   * @param priority 0 to 99
   * @throws with code EPERM where it is not allowed (CAP_SYS_NICE, RLIMIT_RTPRIO)
   */
  threadRealtime(priority: number): void;
  /** @param name at most 15 bytes, as shown by `top -H` */
  threadName(name: string): void;
  threadId(): number;
  /** Lets others go first who wait for this CPU (sched_yield). */
  threadYield(): void;
  /**
   * Starts a real-time thread that lends real-time priority to others while it is told that something is overdue.
   *
   * @throws with code EPERM where it is not allowed
   */
  guardOpen(helpers: Int32Array, priority: number): GuardHandle;
  /** @param whenUs as of `nowUs()`; Infinity: never @returns how often priority was lent */
  guardDue(guard: GuardHandle, whenUs: number): number;
  guardClose(guard: GuardHandle): void;
  /** @param path e.g. `/run/netns/NAME` or `/proc/thread-self/ns/net` */
  namespaceOpen(path: string): NamespaceHandle;
  /** Moves the calling thread; sockets and TUNs opened afterwards belong to that network namespace. */
  namespaceEnter(namespace: NamespaceHandle): void;
  namespaceClose(namespace: NamespaceHandle): void;
  /**
   * Number of the thread's network namespace that the kernel gives to no other until it boots anew (SO_NETNS_COOKIE).
   *
   * @throws with code ENOPROTOOPT before Linux 5.14
   */
  namespaceCookie(): string;
  /** @returns what the thread's network namespace numbers the interface by, 0 when it has none of that name */
  interfaceIndex(name: string): number;
}
