/** How TCP segments of one neighbour are authenticated. */
export type TcpAuthentication =
  | { readonly type: 'md5'; readonly key: Uint8Array }
  | {
      readonly type: 'ao';
      readonly sendId: number;
      readonly receiveId: number;
      /** `hmac-sha-1-96` and `aes-128-cmac-96` are those of RFC 5926. */
      readonly algorithm: 'aes-128-cmac-96' | 'hmac-sha-1-96';
      readonly key: Uint8Array;
    };

/** What a connection with one neighbour is made with. */
export interface TcpOptions {
  readonly authentication?: TcpAuthentication | undefined;
  /** SO_MARK of what is sent, for the kernel's routing; 0: none. */
  readonly mark?: number;
  /** Hop limit of what is sent, 1 to 255. */
  readonly hopLimit: number;
  /** What comes with less is dropped by the kernel (RFC 5082); 0: nothing is. */
  readonly leastHopLimit: number;
}
