/** The packet engine cannot be used here: one sentence with cause and mend. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
