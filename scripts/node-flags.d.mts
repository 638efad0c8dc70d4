export const stackFlags: readonly string[];
