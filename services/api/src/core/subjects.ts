/** NATS subject patterns: `*` is one token, `>` in the last place one or more. */

/** Whether any event of `type` (`<noun>.<fact>`) can be on a subject that `pattern` matches. Both other tokens are open. */
export function mayMatch(pattern: string, type: string): boolean {
  const wanted = pattern.split('.');
  const subject: (string | undefined)[] = [...type.split('.'), undefined, undefined];
  const open = wanted.at(-1) === '>';
  if (open ? wanted.length > subject.length : wanted.length !== subject.length) return false;
  return wanted.every((token, at) => token === '>' || token === '*' || subject[at] === undefined || token === subject[at]);
}
