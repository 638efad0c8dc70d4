/**
 * The attempt ledger of one node: the latch that makes writing to a disk happen once. Pure rules; the shell commits what
 * they return, with its facts, in one Redis script. One record per node, and one per MAC (`mac-…`) for enlisting, which
 * is attempt 0 and begins anew in every boot.
 * Invariants: a step is claimed at most `maxClaims` times; nothing is claimed once `outcome` is set, which a call home does as well as the last
 * report; `attempt` never falls.
 */
import type { Mac, OperationKind, Plan, StepKind } from '@ironbus/contracts';
import type { Grant } from './grant.ts';

export type StepState = {
  /** How many boots started this step. */
  claims: number;
  /** Hash of the token that claimed last: a claim repeated in one boot is the same claim. */
  by: string;
  outcome: 'open' | 'succeeded' | 'failed';
};
export type Run = {
  operation: OperationKind; attempt: number; operationId: string | null;
  steps: readonly { id: string; kind: StepKind }[]; end: Plan['end']; maxClaims: number;
};
export type Ledger = Run & {
  /** Token hash of the boot that an enlisting run belongs to; '' for every other operation. */
  boot: string;
  /** The MAC that booted last, and the token hash of its agent: only it may claim. */
  mac: Mac;
  session: string;
  done: Readonly<Record<string, StepState>>;
  outcome: 'succeeded' | 'failed' | null;
  /** What the last published check-in said: `<token>/<operation>/<attempt>`. */
  announced: string;
  inventory: string | null;
  /** `earlier`: tokens that went out before and may be the one that arrived. */
  phoneHome: { hash: string; spent: boolean; earlier?: readonly string[] } | null;
  /** What the system that was written may read at its first boot. */
  grant?: Grant;
};

export type Action =
  /** `run` is undefined where no operation may run: the check-in is then only announced. */
  | { do: 'check-in'; token: string; mac: Mac; run: Run | undefined }
  | { do: 'claim'; token: string; attempt: number; step: string; phoneHome?: string | undefined; grant?: Grant | undefined }
  | { do: 'report'; token: string; attempt: number; step: string; claim: number; outcome: 'succeeded' | 'failed' }
  | { do: 'inventory'; token: string; sha256: string }
  /** An installer fetches its configuration: it begins its run and claims its one step; `token` stands for the boot. */
  | { do: 'install'; token: string; mac: Mac; run: Run; step: string; phoneHome: string }
  /** `credentials`: the hash of those that go out with it. */
  | { do: 'arm-phone-home'; hash: string; credentials?: string | undefined }
  | { do: 'phone-home'; hash: string };

/** What happened, to be told on the bus; `exhausted` is a failure that the ledger itself reports. */
export type Fact =
  | { fact: 'checked-in' }
  | { fact: 'claimed'; step: string; kind: StepKind; claim: number }
  | { fact: 'reported'; step: string; kind: StepKind; claim: number; last: boolean }
  | { fact: 'exhausted'; step: string; kind: StepKind; claim: number }
  | { fact: 'inventory' }
  | { fact: 'phoned-home' };

export type Refusal =
  | 'superseded' | 'attempt-over' | 'not-checked-in' | 'step-unknown' | 'step-done' | 'out-of-order' | 'claims-exhausted'
  | 'claim-unknown' | 'token-wrong' | 'older-than-ledger';
export type Move =
  | { ok: true; ledger: Ledger; facts: readonly Fact[]; claim?: number }
  /** `ledger` and `facts` differ from nothing only where the refusal itself is an event (claims used up). */
  | { ok: false; refused: Refusal; ledger?: Ledger; facts: readonly Fact[] };

/** Applies one action. `ledger` in the answer is the same object where nothing changed. Never throws. */
export function next(ledger: Ledger | undefined, action: Action): Move {
  if (action.do === 'check-in') return onCheckIn(ledger, action);
  if (action.do === 'install') return onInstall(ledger, action);
  if (ledger === undefined) return refuse(action.do === 'phone-home' ? 'token-wrong' : 'not-checked-in');
  switch (action.do) {
    case 'claim': return onClaim(ledger, action);
    case 'report': return onReport(ledger, action);
    case 'inventory': return onInventory(ledger, action);
    case 'arm-phone-home': return onArm(ledger, action);
    case 'phone-home': return onPhoneHome(ledger, action);
  }
}

/** What the agent is to do after its last report: the same answer however often it asks. */
export function nextWord(ledger: Ledger): 'continue' | Plan['end'] {
  if (ledger.outcome === null) return 'continue';
  if (ledger.outcome === 'succeeded') return ledger.end;
  return ledger.end === 'wait' ? 'wait' : 'poweroff';
}

/** Steps that still have to run, in order; none once the attempt is over. */
export const remaining = (ledger: Ledger): Ledger['steps'] =>
  ledger.outcome === null ? ledger.steps.filter((step) => ledger.done[step.id]?.outcome !== 'succeeded') : [];

const refuse = (refused: Refusal): Move => ({ ok: false, refused, facts: [] });

function onCheckIn(ledger: Ledger | undefined, action: Extract<Action, { do: 'check-in' }>): Move {
  const { run, token } = action;
  if (run !== undefined && ledger !== undefined && run.attempt < ledger.attempt) return refuse('older-than-ledger');
  const begun = begin(ledger, action);
  const announced = `${token}/${run === undefined ? 'none' : run.operation}/${run === undefined ? 0 : run.attempt}`;
  if (begun.session === token && begun.announced === announced) return { ok: true, ledger: begun, facts: [] };
  return { ok: true, ledger: { ...begun, session: token, mac: action.mac, announced }, facts: [{ fact: 'checked-in' }] };
}

const nothing: Run = { operation: 'enlisting', attempt: 0, operationId: null, steps: [], end: 'poweroff', maxClaims: 1 };

function begin(ledger: Ledger | undefined, { run, token, mac }: Pick<Extract<Action, { do: 'check-in' }>, 'run' | 'token' | 'mac'>): Ledger {
  const boot = run?.attempt === 0 ? token : '';
  const goesOn = ledger !== undefined && (run === undefined || (run.attempt === ledger.attempt && ledger.boot === boot));
  if (goesOn) return ledger;
  return {
    ...(run ?? nothing), boot, mac, session: token, done: {}, outcome: null, announced: '', inventory: null, phoneHome: null,
  };
}

function onClaim(ledger: Ledger, action: Extract<Action, { do: 'claim' }>): Move {
  const refused = refuseClaim(ledger, action);
  if (refused !== undefined) return refuse(refused);
  const step = ledger.steps.find((candidate) => candidate.id === action.step) as Ledger['steps'][number];
  const state = ledger.done[step.id];
  const armed = action.phoneHome === undefined ? ledger : {
    ...ledger, phoneHome: armedWith(action.phoneHome, state?.by === action.token ? ledger.phoneHome : null), ...(action.grant && { grant: action.grant }),
  };
  if (state?.by === action.token) return { ok: true, ledger: armed, facts: [], claim: state.claims };
  const claims = state?.claims ?? 0;
  if (claims >= ledger.maxClaims) return exhaust(ledger, step, claims);
  const claim = claims + 1;
  const done = { ...ledger.done, [step.id]: { claims: claim, by: action.token, outcome: 'open' as const } };
  return { ok: true, ledger: { ...armed, done }, facts: [{ fact: 'claimed', step: step.id, kind: step.kind, claim }], claim };
}

function refuseClaim(ledger: Ledger, action: Extract<Action, { do: 'claim' }>): Refusal | undefined {
  if (action.attempt !== ledger.attempt) return 'superseded';
  if (action.token !== ledger.session) return 'not-checked-in';
  if (ledger.outcome !== null) return 'attempt-over';
  if (!ledger.steps.some((step) => step.id === action.step)) return 'step-unknown';
  if (ledger.done[action.step]?.outcome === 'succeeded') return 'step-done';
  return remaining(ledger)[0]?.id === action.step ? undefined : 'out-of-order';
}

function exhaust(ledger: Ledger, step: { id: string; kind: StepKind }, claims: number): Move {
  const state = { ...(ledger.done[step.id] as StepState), outcome: 'failed' as const };
  return {
    ok: false, refused: 'claims-exhausted', ledger: { ...ledger, done: { ...ledger.done, [step.id]: state }, outcome: 'failed' },
    facts: [{ fact: 'exhausted', step: step.id, kind: step.kind, claim: claims }],
  };
}

/** The boot becomes the session and claims in one move; a refused claim changes nothing. */
function onInstall(ledger: Ledger | undefined, { token, mac, run, step, phoneHome }: Extract<Action, { do: 'install' }>): Move {
  if (ledger !== undefined && run.attempt < ledger.attempt) return refuse('older-than-ledger');
  const begun = { ...begin(ledger, { run, token, mac }), session: token, mac };
  return onClaim(begun, { do: 'claim', token, attempt: run.attempt, step, phoneHome });
}

function onReport(ledger: Ledger, action: Extract<Action, { do: 'report' }>): Move {
  if (action.attempt !== ledger.attempt) return refuse('superseded');
  const state = ledger.done[action.step];
  const step = ledger.steps.find((candidate) => candidate.id === action.step);
  if (state === undefined || step === undefined) return refuse('step-unknown');
  if (state.claims !== action.claim || state.by !== action.token) return refuse('claim-unknown');
  if (state.outcome !== 'open') return { ok: true, ledger, facts: [] };
  const told = { ...ledger, done: { ...ledger.done, [step.id]: { ...state, outcome: action.outcome } } };
  const last = action.outcome === 'succeeded' && remaining(told).length === 0;
  const outcome = action.outcome === 'failed' ? 'failed' as const : last ? 'succeeded' as const : null;
  return { ok: true, ledger: { ...told, outcome }, facts: [{ fact: 'reported', step: step.id, kind: step.kind, claim: action.claim, last }] };
}

function onInventory(ledger: Ledger, action: Extract<Action, { do: 'inventory' }>): Move {
  if (action.token !== ledger.session) return refuse('not-checked-in');
  if (ledger.inventory === action.sha256) return { ok: true, ledger, facts: [] };
  return { ok: true, ledger: { ...ledger, inventory: action.sha256 }, facts: [{ fact: 'inventory' }] };
}

/**
 * A claim or vendor-data may be asked for again in one boot, and the answers may cross: each token that went out and may be the one in use must
 * still do.
 */
const earlierKept = 4;
function armedWith(hash: string, before: Ledger['phoneHome']): Ledger['phoneHome'] {
  if (before === null || before.hash === hash) return { hash, spent: false, ...(before?.earlier && { earlier: before.earlier }) };
  return { hash, spent: false, earlier: [...(before.earlier ?? []), before.hash].slice(-earlierKept) };
}

function onArm(ledger: Ledger, { hash, credentials }: Extract<Action, { do: 'arm-phone-home' }>): Move {
  if (ledger.phoneHome?.spent === true) return refuse('attempt-over');
  const grant = ledger.grant === undefined || credentials === undefined ? undefined : { ...ledger.grant, credentials };
  return { ok: true, ledger: { ...ledger, phoneHome: armedWith(hash, ledger.phoneHome), ...(grant && { grant }) }, facts: [] };
}

function onPhoneHome(ledger: Ledger, action: Extract<Action, { do: 'phone-home' }>): Move {
  if (ledger.phoneHome === null || ![ledger.phoneHome.hash, ...(ledger.phoneHome.earlier ?? [])].includes(action.hash)) return refuse('token-wrong');
  if (ledger.phoneHome.spent) return { ok: true, ledger, facts: [] };
  return { ok: true, ledger: { ...installed(ledger), phoneHome: { ...ledger.phoneHome, spent: true } }, facts: [{ fact: 'phoned-home' }] };
}

/**
 * Whoever calls was installed, so nothing of the attempt may run again: an installer reports nothing else, and an agent’s last report may
 * have been lost with the power. A failure stays one.
 */
function installed(ledger: Ledger): Ledger {
  if (ledger.outcome !== null) return ledger;
  const done = Object.entries(ledger.done).map(([id, state]) => [id, { ...state, outcome: 'succeeded' as const }]);
  return { ...ledger, done: Object.fromEntries(done), outcome: 'succeeded' };
}
