/**
 * One field line. Strings hold bytes: every UTF-16 unit is 0 to 255 (RFC 9110 §5.5 leaves the charset of a value open),
 * so that nothing is lost between wire and application.
 */
export interface Field {
  readonly name: string;
  readonly value: string;
  /** Must stay a literal wherever it is forwarded to (the N bit, RFC 9204 §4.5.4 and §7.1.3). */
  readonly sensitive?: boolean;
}

export type Fields = readonly Field[];

/** What RFC 9114 §4.2.2 adds to a field's name and value when it counts the size of a section. */
export const FIELD_OVERHEAD_BYTES = 32;

/** The size of a section as SETTINGS_MAX_FIELD_SECTION_SIZE counts it (RFC 9114 §4.2.2). */
export const fieldSectionBytes = (fields: Fields): number => {
  let total = 0;
  for (const { name, value } of fields) total += name.length + value.length + FIELD_OVERHEAD_BYTES;
  return total;
};
