/** The client that this installation's services are to its own issuer. */
export const API_CLIENT = 'cloudbridge-api';

/** How services ask the built-in issuer about opaque tokens: the secret follows from the installation's key. */
export const builtInClient = async (
  sealer: { secretFor(use: string): Promise<string> },
  clientId = API_CLIENT,
): Promise<{ readonly clientId: string; readonly clientSecret: string }> => ({
  clientId,
  clientSecret: await sealer.secretFor(`client ${clientId}`),
});
