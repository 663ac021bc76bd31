export type FoundNatsServer = { readonly file: string; readonly version: string; readonly from: 'PATH' | 'cache' };

/** The NATS server that will be run: new enough on PATH, else the pinned one in the cache. */
export const findNatsServer: () => FoundNatsServer | undefined;
/** Bytes of the first entry of a zip archive whose name ends with `suffix`. Throws where there is none. */
export const readZipEntry: (zip: Buffer, suffix: string) => Buffer;
