/** Text from elsewhere for a terminal: what it might take for a command is shown as an escape instead. */
export const plainText = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
