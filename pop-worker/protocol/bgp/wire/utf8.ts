/** @returns undefined when the bytes are not UTF-8 in its shortest form (RFC 3629 §3) */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
};

/** Half a surrogate pair is replaced, and the text is cut behind a whole character. @param most bytes */
export const encodeUtf8 = (text: string, most: number): Uint8Array => {
  const bytes: number[] = [];
  for (const character of text.toWellFormed()) {
    const encoded = bytesOf(character);
    if (bytes.length + encoded.length > most) break;
    bytes.push(...encoded);
  }
  return Uint8Array.from(bytes);
};

const bytesOf = (character: string): number[] => {
  const escaped = encodeURIComponent(character);
  return escaped.startsWith('%')
    ? escaped
        .slice(1)
        .split('%')
        .map((digits) => Number.parseInt(digits, 16))
    : [escaped.charCodeAt(0)];
};
