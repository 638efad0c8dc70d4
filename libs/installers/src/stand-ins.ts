/** What stands in a text for a secret, a token, or a value that only a machine’s layers give. Pure. */

export const redacted = (what: string): string => `redacted-${what}`;

/** A line that will say something else to a machine; the token of an address changes no meaning. */
export const holdsStandIn = (line: string): boolean => /redacted-(?!token\b)[a-z]/.test(line);

/** As many bytes as the text will have once the token of an address is a real one: 43 characters. */
export const bytesToBe = (text: string): number => Buffer.byteLength(text.replaceAll(redacted('token'), 'T'.repeat(43)));
