import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mac } from '../../test/fixtures.ts';
import { next, nextWord, remaining, type Action, type Fact, type Ledger, type Run } from './ledger.ts';

const deploy: Run = {
  operation: 'deploying', attempt: 3, operationId: 'op', end: 'reboot', maxClaims: 3,
  steps: [{ id: 'write-image', kind: 'write-image' }, { id: 'grow', kind: 'grow' }, { id: 'seed', kind: 'seed' }],
};
const enlist: Run = { ...deploy, operation: 'enlisting', attempt: 0, steps: [{ id: 'inventory', kind: 'inventory' }], end: 'poweroff' };

/** Applies actions in order; refusals that change nothing leave the ledger as it is. */
function play(actions: readonly Action[], from?: Ledger): { ledger: Ledger | undefined; facts: Fact[]; answers: string[] } {
  let ledger = from;
  const facts: Fact[] = [];
  const answers: string[] = [];
  for (const action of actions) {
    const move = next(ledger, action);
    ledger = move.ledger ?? ledger;
    facts.push(...move.facts);
    answers.push(move.ok ? `ok${move.claim === undefined ? '' : move.claim}` : move.refused);
  }
  return { ledger, facts, answers };
}

const checkIn = (token: string, run: Run | undefined = deploy): Action => ({ do: 'check-in', token, mac, run });
const claim = (token: string, step: string, attempt = 3): Action => ({ do: 'claim', token, attempt, step });
const report = (token: string, step: string, claimed = 1, outcome: 'succeeded' | 'failed' = 'succeeded', attempt = 3): Action =>
  ({ do: 'report', token, attempt, step, claim: claimed, outcome });
const whole = (token: string): Action[] => [checkIn(token), ...['write-image', 'grow', 'seed'].flatMap((step) => [claim(token, step), report(token, step)])];

test('a deployment: claimed and reported step by step, done with the last report', () => {
  const { ledger, facts } = play(whole('a'));
  assert.equal(ledger?.outcome, 'succeeded');
  assert.deepEqual(facts.map((fact) => fact.fact), ['checked-in', 'claimed', 'reported', 'claimed', 'reported', 'claimed', 'reported']);
  assert.deepEqual(facts.filter((fact) => fact.fact === 'reported').map((fact) => fact.last), [false, false, true]);
  assert.equal(nextWord(ledger as Ledger), 'reboot');
});

const cases: [name: string, actions: Action[], lastAnswer: string][] = [
  ['the same claim in one boot is the same claim', [checkIn('a'), claim('a', 'write-image'), claim('a', 'write-image')], 'ok1'],
  ['a claim in the next boot is the next claim', [checkIn('a'), claim('a', 'write-image'), checkIn('b'), claim('b', 'write-image')], 'ok2'],
  ['the earlier boot can not claim any more', [checkIn('a'), checkIn('b'), claim('a', 'write-image')], 'not-checked-in'],
  ['a step out of order', [checkIn('a'), claim('a', 'seed')], 'out-of-order'],
  ['a step that is not planned', [checkIn('a'), claim('a', 'erase')], 'step-unknown'],
  ['a step done already', [checkIn('a'), claim('a', 'write-image'), report('a', 'write-image'), claim('a', 'write-image')], 'step-done'],
  ['an older attempt', [checkIn('a'), claim('a', 'write-image', 2)], 'superseded'],
  ['a claim after done', [...whole('a'), checkIn('b'), claim('b', 'write-image')], 'attempt-over'],
  ['a claim after a failure', [checkIn('a'), claim('a', 'write-image'), report('a', 'write-image', 1, 'failed'), claim('a', 'grow')], 'attempt-over'],
  ['a report of a claim that was never given', [checkIn('a'), report('a', 'write-image')], 'step-unknown'],
  ['a report of the boot before', [checkIn('a'), claim('a', 'write-image'), checkIn('b'), claim('b', 'write-image'), report('a', 'write-image')], 'claim-unknown'],
  ['a report sent twice', [...whole('a'), report('a', 'seed')], 'ok'],
  ['an older policy', [checkIn('a'), checkIn('b', { ...deploy, attempt: 2 })], 'older-than-ledger'],
  ['a claim without a check-in', [claim('a', 'write-image')], 'not-checked-in'],
];
for (const [name, actions, expected] of cases) test(`ledger: ${name}`, () => assert.equal(play(actions).answers.at(-1), expected));

test('claims run out: the attempt fails with an event of the ledger itself', () => {
  const boots = ['a', 'b', 'c', 'd'].flatMap((token) => [checkIn(token), claim(token, 'write-image')]);
  const { ledger, facts, answers } = play(boots);
  assert.equal(answers.at(-1), 'claims-exhausted');
  assert.deepEqual(facts.at(-1), { fact: 'exhausted', step: 'write-image', kind: 'write-image', claim: 3 });
  assert.equal(ledger?.outcome, 'failed');
  assert.equal(nextWord(ledger as Ledger), 'poweroff');
});

test('a new boot starts an interrupted step again and leaves out what is done', () => {
  const { ledger } = play([checkIn('a'), claim('a', 'write-image'), report('a', 'write-image'), claim('a', 'grow'), checkIn('b')]);
  assert.deepEqual(remaining(ledger as Ledger).map((step) => step.id), ['grow', 'seed']);
});

test('enlisting begins anew in every boot, and not again in the same one', () => {
  const once: Action[] = [checkIn('a', enlist), claim('a', 'inventory', 0), { do: 'inventory', token: 'a', sha256: 'x' }, report('a', 'inventory', 1, 'succeeded', 0), checkIn('a', enlist)];
  const { ledger, facts } = play(once);
  assert.deepEqual(remaining(ledger as Ledger), []);
  assert.equal(facts.filter((fact) => fact.fact === 'checked-in').length, 1);
  assert.equal(remaining(play([checkIn('b', enlist)], ledger).ledger as Ledger).length, 1);
});

test('a newer attempt begins anew; a check-in that nothing may run for changes no attempt', () => {
  const { ledger } = play([...whole('a'), checkIn('b', undefined)]);
  assert.deepEqual([ledger?.attempt, ledger?.outcome, ledger?.session], [3, 'succeeded', 'b']);
  assert.deepEqual(remaining(play([checkIn('c', { ...deploy, attempt: 4 })], ledger).ledger as Ledger).length, 3);
});

test('phone-home is told once, a repeat is no second event, a wrong token is refused', () => {
  const armed = play([...whole('a'), { do: 'arm-phone-home', hash: 'h' }]).ledger;
  const { facts, answers } = play([{ do: 'phone-home', hash: 'x' }, { do: 'phone-home', hash: 'h' }, { do: 'phone-home', hash: 'h' }], armed);
  assert.deepEqual(answers, ['token-wrong', 'ok', 'ok']);
  assert.deepEqual(facts, [{ fact: 'phoned-home' }]);
});

test('a system that calls before the last report was heard ends the attempt: nothing of it is claimed again', () => {
  const open = [...whole('a').slice(0, -2), { do: 'claim', token: 'a', attempt: 3, step: 'seed', phoneHome: 'h' } as Action];
  const { ledger, facts } = play([{ do: 'phone-home', hash: 'h' }], play(open).ledger);
  assert.deepEqual([ledger?.outcome, facts], ['succeeded', [{ fact: 'phoned-home' }]]);
  assert.deepEqual(play([report('a', 'seed'), checkIn('b'), claim('b', 'seed')], ledger).answers, ['ok', 'ok', 'attempt-over']);
  assert.deepEqual(remaining(ledger as Ledger), []);
  const failed = play([...open, report('a', 'seed', 1, 'failed'), { do: 'phone-home', hash: 'h' }]).ledger;
  assert.equal(failed?.outcome, 'failed');
});

test('a claim asked for again in one boot leaves the token that went out before good, one of the next boot does not', () => {
  const seed = (token: string, phoneHome: string): Action => ({ do: 'claim', token, attempt: 3, step: 'seed', phoneHome });
  const asked = play([...whole('a').slice(0, -2), seed('a', 'h1'), seed('a', 'h2')]).ledger;
  assert.deepEqual(['h1', 'h2'].map((hash) => play([{ do: 'phone-home', hash }], asked).answers[0]), ['ok', 'ok']);
  const again = play([checkIn('b'), seed('b', 'h3')], asked).ledger;
  assert.deepEqual(['h1', 'h2', 'h3'].map((hash) => play([{ do: 'phone-home', hash }], again).answers[0]), ['token-wrong', 'token-wrong', 'ok']);
});

test('vendor-data fetched again leaves the tokens that went out before good, a few of them', () => {
  const arm = (hash: string): Action => ({ do: 'arm-phone-home', hash });
  const armed = play([...whole('a'), ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map(arm)]).ledger;
  assert.deepEqual(['h1', 'h2', 'h6'].map((hash) => play([{ do: 'phone-home', hash }], armed).answers[0]), ['token-wrong', 'ok', 'ok']);
  const called = play([{ do: 'phone-home', hash: 'h3' }, { do: 'phone-home', hash: 'h4' }, arm('h7')], armed);
  assert.deepEqual([called.facts.length, called.answers], [1, ['ok', 'ok', 'attempt-over']]);
});

test('a grant is made with the claim, keeps its credentials until new ones go out, and ends with the attempt', () => {
  const grant = { credentials: 'c1', deployment: {} as never, network: null, address: null, claimedFrom: '10.77.0.9' as never };
  const claimed = play([checkIn('a'), claim('a', 'write-image'), report('a', 'write-image', 1), claim('a', 'grow'), report('a', 'grow', 1), { do: 'claim', token: 'a', attempt: 3, step: 'seed', phoneHome: 'h', grant }]).ledger;
  assert.deepEqual(claimed?.grant, grant);
  assert.equal(play([{ do: 'arm-phone-home', hash: 'i' }], claimed).ledger?.grant?.credentials, 'c1');
  assert.equal(play([{ do: 'arm-phone-home', hash: 'i', credentials: 'c2' }], claimed).ledger?.grant?.credentials, 'c2');
  assert.equal(play([checkIn('b', { ...deploy, attempt: 4 })], claimed).ledger?.grant, undefined);
});

/** Machines that crash, repeat and overtake themselves: any order of anything that four boots and two attempts may send. */
const anyAction: fc.Arbitrary<Action> = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('write-image', 'grow', 'seed'), fc.constantFrom(3, 4), fc.integer({ min: 1, max: 4 }))
  .chain(([token, step, attempt, claimed]) => fc.oneof(
    { weight: 2, arbitrary: fc.constant<Action>(checkIn(token, { ...deploy, attempt })) },
    { weight: 1, arbitrary: fc.constant<Action>(checkIn(token, undefined)) },
    { weight: 4, arbitrary: fc.constant<Action>(claim(token, step, attempt)) },
    { weight: 4, arbitrary: fc.constantFrom<Action>(report(token, step, claimed, 'succeeded', attempt), report(token, step, claimed, 'failed', attempt)) },
  ));

test('whatever comes in whatever order: at most maxClaims claims, none after done, attempts only grow', () => {
  fc.assert(fc.property(fc.array(anyAction, { maxLength: 120 }), (actions) => {
    let ledger: Ledger | undefined;
    const claims = new Map<string, number>();
    for (const action of actions.flatMap((one, index) => index % 3 === 0 ? [one, one] : [one])) {
      const before = ledger;
      const move = next(ledger, action);
      for (const fact of move.facts) {
        if (fact.fact !== 'claimed') continue;
        const key = `${move.ledger?.attempt}/${fact.step}`;
        claims.set(key, (claims.get(key) ?? 0) + 1);
        assert.ok((claims.get(key) ?? 0) <= deploy.maxClaims, 'too many claims');
        assert.equal(fact.claim, claims.get(key), 'claims are counted from 1');
        assert.equal(before?.outcome, null, 'a claim after done');
      }
      ledger = move.ledger === undefined ? ledger : JSON.parse(JSON.stringify(move.ledger)) as Ledger;
      assert.ok((ledger?.attempt ?? 0) >= (before?.attempt ?? 0), 'an attempt went backwards');
    }
  }), { numRuns: 400 });
});
