import { readFileSync } from 'node:fs';

/** Prints what the comment at the head of a script says and ends the process: the script's only description. */
export const tellHelp = (file: string): never => {
  const [, comment = ''] = /^\/\*\*\n(.*?)\n \*\/$/ms.exec(readFileSync(file, 'utf8')) ?? [];
  console.log(comment.replaceAll(/^ \* ?/gm, ''));
  process.exit();
};
