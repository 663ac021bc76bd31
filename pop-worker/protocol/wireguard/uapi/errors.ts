/** What an operation is answered with: Linux errno values, negative, as wireguard-go has them and `wg` reads them. */
export const Errno = { none: 0, io: -5, invalid: -22, protocol: -71, addressInUse: -98 } as const;
export type Errno = (typeof Errno)[keyof typeof Errno];

/** An operation that cannot be carried out. Its message never holds a value: that may be a key. */
export class UapiError extends Error {
  override readonly name = 'UapiError';
  readonly errno: Errno;

  constructor(errno: Errno, message: string) {
    super(message);
    this.errno = errno;
  }
}
