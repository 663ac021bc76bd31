/**
 * What `node:test` is to tests that are tried against faults: registers them and runs them in order until the first fails.
 * As much of its interface as the tests of codecs use; whatever else is asked for fails the run without a fault already.
 */
type Act = (context: Context) => unknown;

interface Test {
  readonly name: string;
  readonly act: Act;
}

interface Suite {
  readonly before: Act[];
  readonly after: Act[];
  readonly parts: (Suite | Test)[];
}

/** What a test is handed. */
class Context {
  readonly #after: Act[] = [];

  after(act: Act): void {
    this.#after.push(act);
  }

  async end(): Promise<void> {
    for (const act of this.#after) await act(this);
  }
}

const newSuite = (): Suite => ({ before: [], after: [], parts: [] });
let current = newSuite();

type Register = (name: string, options: object | Act, act?: Act) => void;

let running = '';

/** Name of the test that runs. */
export const runningTest = (): string => running;

export const test: Register = (name, options, act) => {
  const { skip } = options as { skip?: unknown };
  if (skip !== undefined && skip !== false) return;
  current.parts.push({ name, act: act ?? (options as Act) });
};
export default test;
export const it: Register = test;

export const describe = (_name: string, act: () => void): void => {
  const outer = current;
  const suite = newSuite();
  outer.parts.push(suite);
  current = suite;
  act();
  current = outer;
};

export const before = (act: Act): void => void current.before.push(act);
export const after = (act: Act): void => void current.after.push(act);

const run = async (suite: Suite, isMeant: (act: Act) => boolean): Promise<void> => {
  const context = new Context();
  for (const act of suite.before) await act(context);
  try {
    for (const part of suite.parts) {
      if ('parts' in part) {
        await run(part, isMeant);
        continue;
      }
      if (!isMeant(part.act)) continue;
      const own = new Context();
      running = part.name;
      try {
        await part.act(own);
      } finally {
        await own.end();
      }
    }
  } finally {
    for (const act of suite.after) await act(context);
  }
};

/** Drops what is registered and was not run. */
export const forget = (): void => {
  current = newSuite();
};

/**
 * Runs what was registered since the last time.
 *
 * @param isMeant which tests of them
 * @throws what the first test that fails throws
 */
export const runRegistered = async (isMeant: (act: Act) => boolean = () => true): Promise<void> => {
  const suite = current;
  forget();
  await run(suite, isMeant);
};
