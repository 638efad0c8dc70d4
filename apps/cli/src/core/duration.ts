/** `90`, `90s`, `15m`, `2h` in seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6})([smh]?)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * ({ m: 60, h: 3600 }[match[2] ?? ''] ?? 1);
}
