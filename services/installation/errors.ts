/** An installation cannot be made or changed as was asked; the message says why and what to do. */
export class InstallationError extends Error {
  override readonly name = 'InstallationError';
}
