/** What the tests of the runners put faults into. */
export const sum = (values: readonly number[]): number => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total;
};
