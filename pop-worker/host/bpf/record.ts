/** Where a field lies: a number of 1, 2, 4 or 8 bytes, or bytes as they are. */
export type Place =
  | { readonly at: number; readonly width: number; readonly isBig?: boolean }
  | { readonly at: number; readonly bytes: number };

type Places = Readonly<Record<string, Place>>;
/** Numbers of 8 bytes are exact up to 2^53. */
export type Fields<P extends Places> = {
  -readonly [K in keyof P]: P[K] extends { readonly bytes: number } ? Uint8Array : number;
};

export interface RecordLayout<P extends Places> {
  readonly bytes: number;
  readonly places: P;
  /** Fields that are not given are zero. @throws RangeError where bytes are too many */
  write(fields: Partial<Fields<P>>, into: Uint8Array, at?: number): void;
  /** A record in bytes of its own. */
  encode(fields: Partial<Fields<P>>): Uint8Array;
  read(from: Uint8Array, at?: number): Fields<P>;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const writeNumber = (view: DataView, at: number, width: number, isBig: boolean, value: number): void => {
  if (width === 1) view.setUint8(at, value);
  else if (width === 2) view.setUint16(at, value, !isBig);
  else if (width === 4) view.setUint32(at, value, !isBig);
  else view.setBigUint64(at, BigInt(value), !isBig);
};

const readNumber = (view: DataView, at: number, width: number, isBig: boolean): number => {
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, !isBig);
  if (width === 4) return view.getUint32(at, !isBig);
  return Number(view.getBigUint64(at, !isBig));
};

/** How C lays out a struct that programs and we both use; the compiler says so (`scripts/bpf`). */
export const record = <const P extends Places>(bytes: number, places: P): RecordLayout<P> => {
  const write = (fields: Partial<Fields<P>>, into: Uint8Array, at = 0): void => {
    const view = viewOf(into);
    into.fill(0, at, at + bytes);
    for (const [name, place] of Object.entries(places)) {
      const value = fields[name];
      if (value === undefined) continue;
      if ('width' in place) {
        writeNumber(view, at + place.at, place.width, place.isBig === true, value as number);
        continue;
      }
      const given = value as Uint8Array;
      if (given.length > place.bytes) throw new RangeError(`${name}: ${given.length} bytes of ${place.bytes}`);
      into.set(given, at + place.at);
    }
  };
  return {
    ...{ bytes, places, write },
    encode: (fields) => {
      const into = new Uint8Array(bytes);
      write(fields, into);
      return into;
    },
    read: (from, at = 0) => {
      const view = viewOf(from);
      const fields = Object.entries(places).map(([name, place]) => [
        name,
        'width' in place
          ? readNumber(view, at + place.at, place.width, place.isBig === true)
          : from.slice(at + place.at, at + place.at + place.bytes),
      ]);
      return Object.fromEntries(fields) as Fields<P>;
    },
  };
};
