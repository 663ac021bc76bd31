declare const kind: unique symbol;
export type NamespaceHandle = { readonly [kind]: 'namespace' };

/** All of these act on the calling thread alone. */
export interface ThreadNative {
  /** @param cpus CPU numbers, at least one of which exists */
  threadPin(cpus: Int32Array): void;
  /** Writes the CPU numbers that the thread may run on; @returns how many there are */
  threadAffinity(cpus: Int32Array): number;
  /** @param name at most 15 bytes, as shown by `top -H` */
  threadName(name: string): void;
  threadId(): number;
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
}
