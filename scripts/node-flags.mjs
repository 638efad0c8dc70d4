/** How the one-process stack is started: room for what a boot storm makes and drops, at a few MB (docs/adr/0008-memory.md). */
export const stackFlags = ['--max-semi-space-size=8'];
