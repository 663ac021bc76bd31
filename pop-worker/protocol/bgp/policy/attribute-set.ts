import type { AttributeStore } from '../rib/attribute-store.ts';
import { attributeEnd, nextHopOf, valueStart } from '../rib/edits.ts';
import { REJECT } from '../rib/route-policy.ts';
import { MAX_CANONICAL_BYTES, writeHead } from '../wire/attributes/canonical.ts';
import { AttributeFlag } from '../wire/attributes/definition.ts';
import { copyBytes } from '../wire/bytes.ts';

interface Attribute {
  readonly flags: number;
  readonly value: Uint8Array;
}

/** What an attribute's length can say (RFC 4271 §4.3). */
const MAX_VALUE_BYTES = 0xffff;

const scratch = new Uint8Array(MAX_CANONICAL_BYTES);

/** A set of attributes that is being changed. */
export class AttributeSet {
  readonly #attributes = new Map<number, Attribute>();
  /** 0, 4, 16 or 32 bytes. */
  nextHop: Uint8Array;

  /** A copy of the set that is kept as `id`. */
  constructor(store: AttributeStore, id: number) {
    const buffer = store.bytesOf(id);
    const start = store.startOf(id);
    const end = start + store.lengthOf(id);
    for (let at = start; at < end; ) {
      const next = attributeEnd(buffer, at);
      this.#attributes.set(buffer[at + 1] as number, {
        flags: (buffer[at] as number) & ~AttributeFlag.extendedLength,
        value: buffer.slice(valueStart(buffer, at), next),
      });
      at = next;
    }
    this.nextHop = nextHopOf(store, id);
  }

  /** @returns an empty value when it is not there */
  value(code: number): Uint8Array {
    return this.#attributes.get(code)?.value ?? new Uint8Array(0);
  }

  /** Puts it in place of what there was of that code. @param flags of a new one */
  put(code: number, flags: number, value: Uint8Array): void {
    this.#attributes.set(code, { flags: this.#attributes.get(code)?.flags ?? flags, value });
  }

  remove(code: number): void {
    this.#attributes.delete(code);
  }

  /** @returns its id, with a reference that is the caller's; `REJECT` when it is longer than a message can carry */
  intern(store: AttributeStore): number {
    let at = 0;
    for (const [code, { flags, value }] of [...this.#attributes].sort(([a], [b]) => a - b)) {
      if (value.length > MAX_VALUE_BYTES || at + 4 + value.length > MAX_CANONICAL_BYTES) return REJECT;
      at = copyBytes(value, 0, value.length, scratch, writeHead(scratch, at, flags, code, value.length));
    }
    return store.internBytes(scratch.subarray(0, at), this.nextHop);
  }
}
