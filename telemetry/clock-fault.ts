const MENDS = {
  'is not yet valid': 'set the clock, or wait',
  'has expired': 'set the clock, or have the certificate renewed',
} as const;

/** OpenSSL's words (`X509_verify_cert_error_string`), and Node's codes for the same. */
const SAID: readonly (readonly [RegExp, keyof typeof MENDS])[] = [
  [/certificate is not yet valid|CERT_NOT_YET_VALID/, 'is not yet valid'],
  [/certificate has expired|CERT_HAS_EXPIRED/, 'has expired'],
];

/**
 * Cause and mend, to be put behind whose certificate is refused, when it is for the time at which it was looked at.
 *
 * @param said why it is refused, as OpenSSL words it or by Node's code
 * @returns undefined when it is refused for something else
 */
export const clockFault = (said: string): string | undefined => {
  const found = SAID.find(([pattern]) => pattern.test(said))?.[1];
  if (found === undefined) return undefined;
  return `it ${found}, and it is ${new Date().toISOString()} by this machine's clock: ${MENDS[found]}`;
};
