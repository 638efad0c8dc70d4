import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress, PlannedStep } from '@ironbus/contracts';
import { deployment, deploySteps, disk, image, mac, network, node, policy } from '../../test/fixtures.ts';
import { canonicalAddress, bindingKey, inNetwork } from './address.ts';
import { decideAnswer } from './answer.ts';
import { parseAssets, requiredAssets } from './assets.ts';
import { next, type Ledger } from './ledger.ts';
import { parsePhoneHome } from './phone-home.ts';
import { claimParameters, neededImages, planFor, runOf, type ClaimContext } from './plan.ts';
import { renderSeed } from './seed.ts';

const parsed = parseAssets({ files: requiredAssets.map((path, index) => ({ path, sha256: `${index}`.repeat(64), sizeBytes: 10 })) });
assert.ok(parsed.ok);
const seed = { node, mac, network, address: '10.77.0.100' as IpAddress, userData: null, phoneHomeUrl: 'http://10.77.0.1:5248/phone-home/k7x2mp/tok' };
const context: ClaimContext = { baseUrl: network.baseUrl, assets: parsed.assets, seed };
const bound = { mac, asker: 'bound', heard: true, away: false, network } as const;

function checkedIn(token: string, from?: Ledger): { plan: ReturnType<typeof planFor>; ledger: Ledger } {
  const answer = decideAnswer({ ...bound, policy: policy(), ledger: from });
  const run = runOf(answer, policy(), network);
  const move = next(from, { do: 'check-in', token, mac, run });
  assert.ok(move.ok);
  return { plan: planFor(answer, run, move.ledger), ledger: move.ledger };
}

test('a plan holds ids and kinds only, without what is done', () => {
  const { plan, ledger } = checkedIn('a');
  assert.deepEqual(plan, {
    node, operation: 'deploying', attempt: 3, end: 'reboot', pollSeconds: 5,
    steps: [{ id: 'write-image', kind: 'write-image' }, { id: 'grow', kind: 'grow' }, { id: 'seed', kind: 'seed' }],
  });
  const half = { ...ledger, done: { 'write-image': { claims: 1, by: 'a', outcome: 'succeeded' as const } } };
  assert.deepEqual(checkedIn('b', half).plan.steps.map((step) => step.id), ['grow', 'seed']);
});

test('an agent that lost the last answer is told to reboot again', () => {
  const { plan } = checkedIn('b', { ...checkedIn('a').ledger, outcome: 'succeeded' });
  assert.deepEqual([plan.operation, plan.steps, plan.end], ['none', [], 'reboot']);
});

test('a held machine powers off', () => {
  const held = policy({ answer: 'hold', operation: null });
  const answer = decideAnswer({ ...bound, policy: held, ledger: undefined });
  const move = next(undefined, { do: 'check-in', token: 'a', mac, run: runOf(answer, held, network) });
  assert.ok(move.ok);
  const plan = planFor(answer, undefined, move.ledger);
  assert.deepEqual([plan.operation, plan.steps, plan.end], ['none', [], 'poweroff']);
});

test('write-image: the protocol’s shape, with the rack’s addresses and hashes', () => {
  const claim = claimParameters(deploySteps[0] as PlannedStep, context);
  assert.ok(claim.ok);
  assert.deepEqual(claim.parameters, {
    disk: { serial: 'S1', wwn: null, path: '/dev/vda', sizeBytes: disk.sizeBytes },
    image: { id: 'debian-12', format: 'raw', compression: 'zstd', url: `http://10.77.0.1:5248/images/${image.sha256}`, sizeBytes: 1000, sha256: image.sha256 },
    bootAssets: {
      bios: { boot: { url: 'http://10.77.0.1:5248/boot-assets/bios/boot.img', sha256: '3'.repeat(64) }, core: { url: 'http://10.77.0.1:5248/boot-assets/bios/core.img', sha256: '4'.repeat(64) } },
      uefi: { shim: { url: 'http://10.77.0.1:5248/boot-assets/uefi/shimx64.efi', sha256: '5'.repeat(64) }, grub: { url: 'http://10.77.0.1:5248/boot-assets/uefi/grubx64.efi', sha256: '6'.repeat(64) } },
    },
  });
});

test('seed: four files in base64', () => {
  const claim = claimParameters(deploySteps[2] as PlannedStep, context);
  assert.ok(claim.ok);
  const files = claim.parameters['files'] as Record<string, string>;
  assert.deepEqual(Object.keys(files), ['meta-data', 'user-data', 'vendor-data', 'network-config']);
  assert.deepEqual(JSON.parse(Buffer.from(files['meta-data'] ?? '', 'base64').toString()), { 'instance-id': 'k7x2mp-3', 'local-hostname': 'web1', 'public-keys': ['ssh-ed25519 AAAA me'] });
  assert.equal(claim.parameters['bootOrder'], 'network-first');
});

test('a malformed planned step is a value, not an exception', () => {
  for (const step of deploySteps) {
    const claim = claimParameters({ ...step, parameters: { disk: 'vda' } }, context);
    assert.equal(claim.ok, false);
  }
});

test('seed: static, dhcp and spent phone-home', () => {
  const files = renderSeed({ ...seed, deployment });
  assert.deepEqual(JSON.parse(files['network-config']), {
    version: 2, ethernets: { boot0: {
      match: { macaddress: mac }, 'set-name': 'boot0', dhcp4: false, addresses: ['10.77.0.100/24'], gateway4: '10.77.0.254',
      nameservers: { addresses: ['10.77.0.2'], search: ['lab.example'] },
    } },
  });
  assert.match(files['user-data'], /^#cloud-config\n/);
  assert.match(files['vendor-data'], /^#cloud-config\n/);
  const vendor = JSON.parse(files['vendor-data'].slice('#cloud-config\n'.length)) as { fqdn: string; phone_home: { url: string } };
  assert.deepEqual([vendor.fqdn, vendor.phone_home.url], ['web1.lab.example', seed.phoneHomeUrl]);
  const dhcp = renderSeed({ ...seed, phoneHomeUrl: undefined, userData: '#!/bin/sh\n', deployment: { ...deployment, addressing: 'dhcp' } });
  assert.equal((JSON.parse(dhcp['network-config']) as { ethernets: { boot0: { dhcp4: boolean } } }).ethernets.boot0.dhcp4, true);
  assert.equal(dhcp['user-data'], '#!/bin/sh\n');
  assert.doesNotMatch(dhcp['vendor-data'], /phone_home/);
});

test('images that an attempt may still ask for', () => {
  assert.deepEqual([...neededImages([policy(), policy({ operation: null })])], [image.sha256]);
});

test('a manifest that leaves its directory, or lacks a file, says so', () => {
  const bad = parseAssets({ files: [{ path: '../secret', sha256: 'a'.repeat(64), sizeBytes: 1 }] });
  assert.equal(bad.ok, false);
  assert.ok(!bad.ok && bad.why.length === requiredAssets.length + 1);
  for (const value of [null, [], {}, { files: [{ path: 1 }] }]) assert.equal(parseAssets(value).ok, false);
});

test('addresses', () => {
  assert.equal(canonicalAddress('::ffff:10.77.0.100'), '10.77.0.100');
  assert.equal(bindingKey('rack1', canonicalAddress('10.77.0.100')), 'rack1.10.77.0.100');
  assert.equal(bindingKey('rack1', canonicalAddress('fe80::1%eth0')), undefined);
  assert.equal(inNetwork(network, '10.77.0.255'), true);
  assert.equal(inNetwork(network, '10.77.1.1'), false);
  assert.equal(inNetwork({ cidr: '0.0.0.0/0' }, '203.0.113.9'), true);
});

test('the form of cloud-init’s phone_home', () => {
  assert.deepEqual(parsePhoneHome('pub_key_ed25519=ssh-ed25519+AAAAC3+root%40web1%0A&pub_key_rsa=N%2FA&hostname=web1&fqdn=web1.lab.example&instance_id=i'), {
    hostname: 'web1.lab.example', hostKeys: ['ssh-ed25519 AAAAC3 root@web1'],
  });
  assert.deepEqual(parsePhoneHome('\0%%%=&&&pub_key_rsa=rm+-rf'), { hostname: null, hostKeys: [] });
});
