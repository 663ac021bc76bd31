/** Sections of an ELF object of 64 bits, little-endian, by name. @throws where the bytes are no such object */
export const elfSections = (file: Uint8Array): ReadonlyMap<string, Uint8Array> => {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0201) throw new Error('no ELF object of 64 bits');
  const table = Number(view.getBigUint64(0x28, true));
  const entryBytes = view.getUint16(0x3a, true);
  const header = (index: number) => {
    const at = table + index * entryBytes;
    const offset = Number(view.getBigUint64(at + 0x18, true));
    return {
      name: view.getUint32(at, true),
      bytes: file.subarray(offset, offset + Number(view.getBigUint64(at + 0x20, true))),
    };
  };
  const names = header(view.getUint16(0x3e, true)).bytes;
  const sections = new Map<string, Uint8Array>();
  for (let index = 1; index < view.getUint16(0x3c, true); index++) {
    const { name, bytes } = header(index);
    sections.set(textAt(names, name), bytes);
  }
  return sections;
};

/** Up to the NUL. */
export const textAt = (bytes: Uint8Array, at: number): string =>
  new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));

const SYMBOL_BYTES = 24;

/** Where each symbol lies in its section. */
export const elfSymbols = (sections: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, number> => {
  const [table, names] = [sections.get('.symtab'), sections.get('.strtab')];
  if (table === undefined || names === undefined) throw new Error('an object without symbols');
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const symbols = new Map<string, number>();
  for (let at = 0; at < table.length; at += SYMBOL_BYTES)
    symbols.set(textAt(names, view.getUint32(at, true)), Number(view.getBigUint64(at + 8, true)));
  return symbols;
};
