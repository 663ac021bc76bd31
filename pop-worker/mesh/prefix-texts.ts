import { bootUs } from '#host/clock/clock.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import type { Mesh } from '#protocol/mesh/mesh.ts';

/** Prefixes of this worker as text, to the core and back: which of them others announce too. */
export class PrefixTexts {
  readonly #mesh: Pick<Mesh, 'setPrefixes' | 'sharedPrefixes'>;
  /** As the core has them. */
  #texts: readonly string[] = [];
  #shared: readonly number[] | undefined;

  constructor(mesh: Pick<Mesh, 'setPrefixes' | 'sharedPrefixes'>) {
    this.#mesh = mesh;
  }

  /** What we announce where we do; what is no prefix is left out. */
  set(texts: readonly string[]): void {
    const parsed = texts.map((text) => [text, parsePrefix(text)] as const);
    const known = parsed.flatMap(([text, prefix]) => (prefix === undefined ? [] : [{ text, prefix }]));
    this.#texts = known.map(({ text }) => text);
    this.#mesh.setPrefixes(
      known.map(({ prefix }) => prefix),
      bootUs(),
    );
  }

  /** @param changed is told those that others announce too, whenever they have become others; undefined: nobody is heard */
  look(now: number, changed: (shared: ReadonlySet<string> | undefined) => void): void {
    const shared = this.#mesh.sharedPrefixes(now);
    if (shared === this.#shared) return;
    this.#shared = shared;
    changed(shared && new Set(shared.map((place) => this.#texts[place] as string)));
  }
}
