import type { Model } from '../model.ts';
import { CRUISE } from '../state-table.ts';

/** ProbeBW_CRUISE: as much is sent as arrives, until the next probe is due (§5.3.3.2). */
export const enterCruise = (model: Model): void => {
  model.state = CRUISE;
};
