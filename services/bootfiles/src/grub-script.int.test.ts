/** GRUB’s own parser reads every script we render: `grub-script-check` of the package grub-common. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { mac } from '../test/fixtures.ts';
import { renderGrub, type GrubPlace } from './core/grub.ts';
import type { BootAnswer } from './core/ipxe.ts';
import { splitArguments } from '@ironbus/installers';
import { commandLine } from './core/kernel.ts';

async function check(script: string): Promise<string> {
  const child = spawn('grub-script-check', { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  child.stdin.end(script);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? said : `exit ${code}: ${said}`));
  });
}

const places: GrubPlace[] = [
  { sources: ['(http,10.77.0.1:5248)', ''], again: '/grub/grub.cfg' },
  { sources: ['(tftp,10.77.0.1)'], again: '(tftp,10.77.0.1)/grub/grub.cfg' },
  { sources: ['(http,[fd00::1]:5248)'], again: '(http,[fd00::1]:5248)/boot/52-54-00-77-00-01/grub.cfg' },
];
const awkward = 'ds=nocloud;s=http://10.0.0.1/?a=1&b=2 a(b)c <x> x|y !z ~u *glob* [q] ^v a#b %d';
const words = (extra: string): string[] => commandLine({ baseUrl: 'http://10.77.0.1:5248', token: 't'.repeat(43), mac, quick: ['quiet'], extra: splitArguments(extra).words });
const answers: BootAnswer[] = [
  { answer: 'agent', rule: 'policy-agent', architecture: 'amd64', commandLine: words('') },
  { answer: 'hold', rule: 'policy-hold', architecture: 'amd64', commandLine: words(awkward) },
  { answer: 'menu', rule: 'unknown-menu', menu: { prompt: 'P', timeoutSeconds: 5, entries: [{ text: 'M', choice: 'memory-test', does: 'ask' }, { text: 'L', choice: 'local-disk', does: 'ask' }] } },
  { answer: 'memory-test', rule: 'chosen-memory-test', options: ['console=ttyS0,115200'] },
  { answer: 'local', rule: 'policy-local' }, { answer: 'retry', rule: 'asker-unbound' }, { answer: 'ignore', rule: 'unknown-ignore' },
];

for (const place of places) {
  for (const boot of answers) test(`grub-script-check accepts ${boot.answer} from ${place.again}`, async () => assert.equal(await check(renderGrub(boot, place)), ''));
}

test('grub-script-check refuses what is wrong', async () => assert.match(await check('if true; then\n'), /^exit 1: [\s\S]*syntax error/));
