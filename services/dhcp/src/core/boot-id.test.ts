import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBoot, type Boot, type BootChange, type Sign } from './boot-id.ts';

const at = 1_000_000;
const known = (stage: Boot['stage']): Boot => ({ bootId: 'b1', stage, seenAtMs: at, beganAtMs: at - 20_000 });
const justBegun = (stage: Boot['stage']): Boot => ({ ...known(stage), beganAtMs: at - 1_000 });
const sign = (stage: Sign['stage'], changes: Partial<Sign> = {}): Sign => ({ stage, atMs: at + 5_000, extending: false, ...changes });

const rows: [name: string, known: Boot | undefined, sign: Sign, change: BootChange | undefined][] = [
  ['never seen', undefined, sign('firmware'), 'first'],
  ['firmware asks again', known('firmware'), sign('firmware'), undefined],
  ['on to iPXE', known('firmware'), sign('ipxe'), undefined],
  ['a ROM chains to undionly', known('ipxe'), sign('ipxe'), undefined],
  ['on to the system', known('ipxe'), sign('os'), undefined],
  ['the system restarts its client', known('os'), sign('os'), undefined],
  ['firmware after the system', known('os'), sign('firmware'), 'stage-backwards'],
  ['iPXE after the system', known('os'), sign('ipxe'), 'stage-backwards'],
  ['firmware after iPXE', known('ipxe'), sign('firmware'), 'stage-backwards'],
  ['two minutes of silence', known('os'), sign('os', { atMs: at + 120_001 }), 'silence'],
  ['not quite two minutes', known('os'), sign('os', { atMs: at + 120_000 }), undefined],
  ['a renewal after an hour', known('os'), sign('os', { atMs: at + 3_600_000, extending: true }), undefined],
  ['power changed since', known('firmware'), sign('firmware', { powerChangedAtMs: at + 1 }), 'power'],
  ['the word of a power change comes after firmware, before iPXE of the same boot', known('firmware'), sign('ipxe', { powerChangedAtMs: at + 1 }), undefined],
  ['the word of a power change comes between two packets of the boot that it caused', justBegun('ipxe'), sign('ipxe', { powerChangedAtMs: at + 1 }), undefined],
  ['power changed before', known('firmware'), sign('firmware', { powerChangedAtMs: at - 1 }), undefined],
];

for (const [name, boot, seen, change] of rows) test(`boot id: ${name}`, () => assert.equal(newBoot(boot, seen), change));
