/** Why a worker cannot serve: one sentence that names the cause and the mend. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
