export const minimumNats: string;
export function ensureNats(cacheDir: string, say?: (text: string) => void): Promise<string>;
export function findNats(cacheDir: string): string | undefined;
type AptSource = { mirror: string; suite: string; keyring: string };
export function readStanzas(text: string): AptSource[];
export function readLines(text: string): AptSource[];
