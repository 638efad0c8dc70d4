import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '@ironbus/contracts';
import { mac, node } from '../../test/fixtures.ts';
import { applyToken, bootWithoutToken, mayNameAgain, mintToken, type TokenFor, type Tokens } from './tokens.ts';

const mint = (tokens: Tokens, hash: string): Tokens => mintToken(tokens, { hash, ledger: node, node, attempt: 1, bootId: null });
const hashes = (tokens: Tokens | undefined): string[] | undefined => tokens?.map((token) => token.hash);

test('firmware fetches twice and may run either script', () => {
  const fetched = mint(mint([], 'a'), 'b');
  assert.deepEqual(hashes(applyToken(fetched, 'a')), ['a', 'b']);
  assert.deepEqual(hashes(applyToken(fetched, 'b')), ['b']);
});
test('a script fetched again and again does not end the agent that is running', () => {
  const running = applyToken(mint([], 'a'), 'a') as Tokens;
  assert.deepEqual(hashes(['b', 'c', 'd'].reduce(mint, running)), ['a', 'c', 'd']);
});
test('the first use of a newer token spends the older ones', () => {
  const booted = applyToken(mint(applyToken(mint([], 'a'), 'a') as Tokens, 'b'), 'b') as Tokens;
  assert.equal(applyToken(booted, 'a'), undefined);
  assert.equal(applyToken(booted, 'unknown'), undefined);
});
test('without a token a boot is known by its id, and without that each fetch is one', () => {
  assert.equal(bootWithoutToken(mac, 'b1', 'x'), bootWithoutToken(mac, 'b1', 'y'));
  assert.notEqual(bootWithoutToken(mac, 'b1', 'x'), bootWithoutToken(mac, 'b2', 'x'));
  assert.notEqual(bootWithoutToken(mac, null, 'x'), bootWithoutToken(mac, null, 'y'));
});
test('a check-in binds the token to what its agent was told', () => {
  assert.deepEqual(applyToken(mint([], 'a'), 'a', { attempt: 4 })?.[0], { hash: 'a', ledger: node, node, attempt: 4, bootId: null, used: true });
});

const wanted: TokenFor = { ledger: node, node, attempt: 1, bootId: 'boot-1' };
const minted = mintToken([], { ...wanted, hash: 'a' });
const rows: [what: string, tokens: Tokens, wanted: TokenFor, again: boolean][] = [
  ['the same boot of the same attempt', minted, wanted, true],
  ['beside a newer unused one', mintToken(minted, { ...wanted, hash: 'b' }), wanted, true],
  ['beside an older one in use', mintToken(mintToken([], { ...wanted, hash: 'b' }).map((token) => ({ ...token, used: true })), { ...wanted, hash: 'a' }), wanted, true],
  ['the next boot', minted, { ...wanted, bootId: 'boot-2' }, false],
  ['the next attempt', minted, { ...wanted, attempt: 2 }, false],
  ['the MAC is another node’s now', minted, { ...wanted, node: 'abc123' as NodeId }, false],
  ['it was enlisting and has a ledger of a node now', minted, { ...wanted, ledger: 'mac-525400770001' }, false],
  ['a person chose something else in the menu', minted, { ...wanted, choice: 'rescue' }, false],
  ['its agent came', applyToken(minted, 'a') as Tokens, wanted, false],
  ['newer ones pushed it out', ['b', 'c'].reduce((tokens, hash) => mintToken(tokens, { ...wanted, hash }), minted), wanted, false],
  ['the store lost it', [], wanted, false],
  ['a boot that nobody counted', mintToken([], { ...wanted, bootId: null, hash: 'a' }), { ...wanted, bootId: null }, false],
];
for (const [what, tokens, now, again] of rows) {
  test(`${what}: a script ${again ? 'names the token again' : 'gets a new token'}`, () => { assert.equal(mayNameAgain(tokens, 'a', now), again); });
}
