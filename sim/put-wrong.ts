import { registerHooks } from 'node:module';

/** A change of one file of the product, to see whether a scenario notices. */
export interface Wrong {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
}

/** From now on this thread loads the file with the change. @throws Error, when it is loaded, where `from` does not stand once */
export const putWrong = ({ file, from, to }: Wrong): void => {
  const { href } = new URL(`../${file}`, import.meta.url);
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (url !== href) return loaded;
      const parts = String(loaded.source).split(from);
      if (parts.length !== 2) throw new Error(`\`${from}\` does not stand once in ${file}.`);
      return { ...loaded, source: parts.join(to) };
    },
  });
};
