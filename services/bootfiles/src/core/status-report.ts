/** What cloud-init's and curtin's webhook handlers post (`reporting: {…: {type: webhook}}`). Pure; all of it comes from outside. */
import { lazyCheck } from '@ironbus/contracts';
import { Type, type Static } from 'typebox';

const Text = Type.String({ maxLength: 65_536 });
/** Loose on purpose: what is too long is cut, and what is unknown is left out; only what makes no sense is refused. */
const Report = Type.Object({
  event_type: Type.Union([Type.Literal('start'), Type.Literal('progress'), Type.Literal('finish')]),
  name: Type.String({ minLength: 1, maxLength: 4096 }), description: Type.Optional(Text), origin: Type.Optional(Text),
  result: Type.Optional(Type.Union([Type.Literal('SUCCESS'), Type.Literal('WARN'), Type.Literal('FAIL'), Type.Null()])),
  timestamp: Type.Optional(Type.Union([Type.Number(), Type.Null()])), files: Type.Optional(Type.Union([Type.Array(Type.Unknown()), Type.Null()])),
});
const check = lazyCheck(Report);

export type StatusReport = {
  eventType: 'start' | 'progress' | 'finish'; name: string; description: string; result: 'SUCCESS' | 'WARN' | 'FAIL' | null; origin: string | null;
  /** By the machine's own clock, which may be wrong. */
  at: string | null;
  /** Paths of attached files; their content is dropped. */
  files: string[];
};
export type Parsed = { ok: true; report: StatusReport } | { ok: false; why: string };

const filesKept = 16;

/** Never throws. */
export function parseStatusReport(body: string): Parsed {
  const json = parseJson(body);
  if (json === undefined) return { ok: false, why: 'the body is not JSON' };
  const violations = check(json);
  if (violations.length > 0) return { ok: false, why: violations.map(({ path, message }) => `${path} ${message}`).join('; ').slice(0, 1000) };
  const said = json as Static<typeof Report>;
  return {
    ok: true,
    report: {
      eventType: said.event_type, name: said.name.slice(0, 256), description: (said.description ?? '').slice(0, 1000), result: said.result ?? null,
      origin: said.origin?.slice(0, 64) ?? null, at: timeOf(said.timestamp), files: (said.files ?? []).slice(0, filesKept).flatMap(pathOf),
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const pathOf = (file: unknown): string[] => {
  const path = (file as { path?: unknown } | null)?.path;
  return typeof path === 'string' && path !== '' ? [path.slice(0, 256)] : [];
};

/** Seconds since 1970; null for what no calendar has. */
function timeOf(seconds: number | null | undefined): string | null {
  return typeof seconds === 'number' && seconds >= 0 && seconds < 2 ** 33 ? new Date(seconds * 1000).toISOString() : null;
}
