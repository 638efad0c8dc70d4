import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mac, node } from '../../test/fixtures.ts';
import { applyToken, bootWithoutToken, mintToken, type Tokens } from './tokens.ts';

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
