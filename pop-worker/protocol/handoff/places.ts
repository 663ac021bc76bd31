/** The lowest place that none of those there has. @throws RangeError when all are taken */
export const freePlace = (taken: Iterable<{ readonly index: number }>, most: number): number => {
  const places = new Set(Array.from(taken, ({ index }) => index));
  for (let place = 0; place < most; place++) if (!places.has(place)) return place;
  throw new RangeError(`a worker knows ${most} peers at most`);
};
