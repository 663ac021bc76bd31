/** The clone's top folder. */
export const root: string;
/** `$CBR_HOME`, or `.cloudbridge/` in the clone. */
export const home: string;
/** Node 24 from node_modules. */
export const node24: string;
export const isRoot: boolean;
/** Full path of the first of `names` on PATH or in the sbin folders. */
export const findCommand: (names: readonly string[]) => string | undefined;
/** Where what was fetched and built lies: `$CBR_CACHE`, or `cache/` in home. */
export const cache: string;
