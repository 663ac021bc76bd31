/** FNV-1a of a text and a number, mixed. */
const scoreOf = (key: string, member: number): number => {
  let h = 0x811c9dc5 ^ Math.imul(member, 0x9e3779b1);
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
};

/**
 * The members that come first for a device, by rendezvous hashing: whoever comes or goes changes the choice of its own share.
 *
 * @param own left out @returns `count` at most, the first ones first
 */
export const ranked = (key: string, members: Iterable<number>, own: number, count: number): number[] =>
  [...members]
    .filter((member) => member !== own)
    .map((member) => ({ member, score: scoreOf(key, member) }))
    .sort((a, b) => b.score - a.score || a.member - b.member)
    .slice(0, count)
    .map(({ member }) => member);
