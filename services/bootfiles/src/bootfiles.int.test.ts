import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, beforeEach, test } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { bootPoliciesBucket, deployDataBucket, macToken } from '@ironbus/contracts';
import { generateRackKey, seal } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { boot, agentWith, fetchScript, inventory, macPath } from '../test/agent.ts';
import { deployment, deploySteps, mac, node, otherMac, policy } from '../test/fixtures.ts';
import { ofType, rackId, startRackOfTwo, type Rack } from '../test/rack.ts';

const curl = async (...args: string[]): Promise<string> => (await promisify(execFile)('curl', ['-sS', '--max-time', '10', ...args])).stdout;
const steps = ['write-image', 'grow', 'seed'];
let rack: Rack;
let attempt = 0;

before(async () => { rack = await startRackOfTwo(); });
after(async () => { await rack[Symbol.asyncDispose](); });
beforeEach(async () => {
  attempt += 1;
  await rack.lifecycle.kv(bootPoliciesBucket).delete(macToken(mac));
  await rack.putNetwork();
  await waitFor(async () => (await fetchScript(rack)).includes('unknown-enlist'));
});

/** A policy that the rack has seen. */
async function deploy(): Promise<void> {
  await rack.putPolicy(policy({ attempt }));
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: policy-agent'));
}

test('an unknown machine is enlisted: inventory, then it powers off; the next boot enlists anew', async () => {
  const agent = await boot(rack);
  const plan = await agent.checkIn();
  assert.deepEqual(plan.body, { node: 'mac-525400770001', operation: 'enlisting', attempt: 0, steps: [{ id: 'inventory', kind: 'inventory' }], end: 'poweroff', pollSeconds: 5 });
  assert.equal((await agent.claim('inventory', 0)).body.claim, 1);
  assert.equal((await agent.call('inventory', inventory)).status, 204);
  assert.equal((await agent.call('inventory', inventory)).status, 204);
  assert.equal((await agent.report('inventory', 0, 1)).body.next, 'poweroff');
  await waitFor(() => ofType(rack.events, 'node.step-reported').length > 0);
  const [told] = ofType(rack.events, 'node.inventory-reported');
  assert.deepEqual([told?.subject, told?.nodeid, told?.bootid], ['mac-525400770001', undefined, 'boot-1']);
  assert.equal(ofType(rack.events, 'node.inventory-reported').length, 1);
  const again = await boot(rack);
  assert.equal((await again.checkIn()).body.steps.length, 1);
});

test('a deployment is claimed step by step and done overrides the stale policy', async () => {
  await deploy();
  const agent = await boot(rack);
  const plan = await agent.checkIn();
  assert.deepEqual([plan.body.node, plan.body.attempt, plan.body.steps.map((step) => step.id)], [node, attempt, steps]);
  const first = await agent.claim('write-image', attempt);
  assert.equal((first.body.parameters['image'] as { url: string }).url, `http://10.77.0.1:5248/images/${'a'.repeat(64)}`);
  assert.equal((await agent.claim('write-image', attempt)).body.claim, 1, 'a claim whose answer was lost is the same claim');
  assert.equal((await agent.claim('seed', attempt)).status, 409, 'out of order');
  assert.equal((await agent.report('write-image', attempt, 1)).body.next, 'continue');
  assert.equal(await agent.run(attempt, ['grow', 'seed']), 'reboot');
  assert.match(await fetchScript(rack), /# ironbus: deployment-done\n[\s\S]*sanboot/);
  assert.equal((await agent.report('seed', attempt, 1)).body.next, 'reboot', 'a report whose answer was lost');
  const late = await agent.claim('write-image', attempt);
  assert.deepEqual([late.status, (late.body as unknown as { error: { code: string } }).error.code], [409, 'AGENT_SUPERSEDED']);
  assert.deepEqual((({ steps, end }) => ({ steps, end }))((await agent.checkIn()).body), { steps: [], end: 'reboot' });
  const mine = (type: string) => ofType(rack.events, type).filter((event) => event.nodeid === node && (event.data as { attempt: number }).attempt === attempt);
  await waitFor(() => mine('node.step-reported').length === 3);
  assert.deepEqual(mine('node.step-reported').map((event) => (event.data as { last: boolean }).last), [false, false, true]);
  assert.equal(mine('node.step-claimed').length, 3);
});

test('a policy that says the disk is written is believed only where the ledger does not know better', async () => {
  const written = policy({ attempt, answer: 'local', operation: null });
  await deploy();
  const agent = await boot(rack);
  await agent.checkIn();
  await agent.run(attempt, ['write-image']);
  await rack.putPolicy(written);
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: disk-not-trusted'));
  await deploy();
  const again = await boot(rack);
  await again.checkIn();
  assert.equal(await again.run(attempt, ['grow', 'seed']), 'reboot');
  await rack.putPolicy(written);
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: policy-local'));
});

test('an interrupted step is claimed again by the next boot until claims run out', async () => {
  await deploy();
  let agent = await boot(rack);
  for (const claim of [1, 2, 3]) {
    await agent.checkIn();
    assert.equal((await agent.claim('write-image', attempt)).body.claim, claim);
    const earlier = agent;
    agent = await boot(rack);
    if (claim < 3) continue;
    await agent.checkIn();
    assert.equal((await earlier.checkIn()).status, 401, 'the token of the boot before is spent');
  }
  assert.equal((await agent.claim('write-image', attempt)).status, 409);
  const plan = await agent.checkIn();
  assert.deepEqual([plan.body.steps, plan.body.end], [[], 'poweroff']);
  assert.match(await fetchScript(rack), /# ironbus: attempt-done\niseq .*\nkernel /);
  await waitFor(() => ofType(rack.events, 'node.step-reported').some((event) => (event.data as { reason: string }).reason === 'claims-exhausted'));
});

test('the same claim ten times at once is one claim and one event; so is the report', async () => {
  await deploy();
  const agent = await boot(rack);
  await agent.checkIn();
  const claims = await Promise.all(Array.from({ length: 10 }, () => agent.claim('write-image', attempt)));
  assert.deepEqual(new Set(claims.map((claim) => `${claim.status}/${claim.body.claim}`)), new Set(['200/1']));
  const reports = await Promise.all(Array.from({ length: 10 }, () => agent.report('write-image', attempt, 1)));
  assert.deepEqual(new Set(reports.map((report) => report.body.next)), new Set(['continue']));
  assert.equal(await agent.run(attempt, ['grow', 'seed']), 'reboot');
  const mine = (type: string) => ofType(rack.events, type).filter((event) => (event.data as { attempt: number }).attempt === attempt);
  await waitFor(() => mine('node.step-reported').some((event) => (event.data as { last: boolean }).last));
  assert.deepEqual([mine('node.step-claimed').length, mine('node.step-reported').length], [3, 3]);
});

test('tokens: unknown, of another attempt, and of another address', async () => {
  assert.equal((await agentWith(rack, 'x'.repeat(43)).checkIn()).status, 401);
  await deploy();
  const agent = await boot(rack);
  await agent.checkIn();
  const stolen = await curl('--interface', '127.0.0.2', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'POST', '-H', `Authorization: Bearer ${agent.token}`,
    '-H', 'Content-Type: application/json', '-d', JSON.stringify({ attempt }), rack.url('/agent/v1/steps/write-image/claim'));
  assert.equal(stolen, '503');
  attempt += 1;
  await deploy();
  await waitFor(async () => (await agent.claim('write-image', attempt - 1)).status === 409, { what: 'superseded' });
  assert.equal((await agent.checkIn()).body.attempt, attempt, 'an agent that waits is told of the new attempt');
});

test('a script is given only to the address that is bound to its MAC', async () => {
  await deploy();
  const foreign = await curl('--interface', '127.0.0.2', '-H', 'X-Forwarded-For: 127.0.0.1', rack.url(`/boot/${macPath}/script.ipxe`));
  assert.match(foreign, /# ironbus: asker-foreign\n:retry/);
  assert.doesNotMatch(foreign, /token/);
  assert.match(await curl('--interface', '127.0.0.3', rack.url(`/boot/${macPath}/script.ipxe`)), /# ironbus: asker-unbound/);
  await waitFor(() => ofType(rack.observations, 'boot.refused').some((event) => (event.data as { reason: string }).reason === 'asker-foreign'));
  assert.equal((await fetch(rack.url('/boot/nonsense/script.ipxe'))).status, 404);
});

test('phone-home: once, then 200 without a second event; a wrong token is 404', async () => {
  await deploy();
  const agent = await boot(rack);
  await agent.checkIn();
  await agent.run(attempt, ['write-image', 'grow']);
  const files = (await agent.claim('seed', attempt)).body.parameters['files'] as Record<string, string>;
  await agent.report('seed', attempt, 1);
  const vendor = JSON.parse(Buffer.from(files['vendor-data'] ?? '', 'base64').toString().slice('#cloud-config\n'.length)) as { phone_home: { url: string } };
  const url = rack.url(new URL(vendor.phone_home.url).pathname);
  const form = ['--data-urlencode', 'pub_key_ed25519=ssh-ed25519 AAAA root@web1', '-d', 'hostname=web1&instance_id=i', '-o', '/dev/null', '-w', '%{http_code}'];
  assert.equal(await curl(...form, `${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`), '404');
  assert.equal(await curl(...form, url), '200');
  assert.equal(await curl(...form, url), '200');
  const mine = () => ofType(rack.events, 'node.phoned-home').filter((event) => (event.data as { attempt: number }).attempt === attempt);
  await waitFor(() => mine().length > 0);
  assert.equal(mine().length, 1);
  assert.deepEqual((mine()[0]!.data as { hostKeys: string[] }).hostKeys, ['ssh-ed25519 AAAA root@web1']);
  await waitFor(() => ofType(rack.observations, 'boot.refused').some((event) => (event.data as { reason: string }).reason === 'phone-home-token-wrong'));
  assert.doesNotMatch(JSON.stringify(rack.observations), new RegExp(url.split('/').at(-1) ?? 'x'));
});

test('files: GET, HEAD, ranges and validators with curl; nothing outside the manifest', async () => {
  const url = rack.url('/agent-image/amd64/vmlinuz');
  const whole = await curl(url);
  assert.equal(whole.length, 1000 * 'bytes of agent/amd64/vmlinuz '.length);
  assert.equal(await curl('-r', '0-4', url), 'bytes');
  assert.equal(await curl('-r', '-9', url), whole.slice(-9));
  const head = await curl('-I', url);
  assert.match(head, /^HTTP\/1.1 200/);
  assert.match(head, new RegExp(`content-length: ${whole.length}`, 'i'));
  assert.match(head, /accept-ranges: bytes/i);
  const etag = /etag: (\S+)/i.exec(head)?.[1] ?? '';
  const status = (...args: string[]): Promise<string> => curl('-o', '/dev/null', '-w', '%{http_code}', ...args);
  assert.equal(await status('-H', `If-None-Match: ${etag}`, url), '304');
  assert.equal(await status('-r', '99999999-', url), '416');
  assert.equal(await status('-r', '1-2', url), '206');
  for (const path of ['/loaders/../manifest.json', '/loaders/..%2fmanifest.json', '/loaders/%2e%2e/manifest.json', '/agent-image/amd64/manifest.json', '/boot-assets/bios/', `/images/${'0'.repeat(64)}`]) {
    assert.equal(await status('--path-as-is', rack.url(path)), '404', path);
  }
  const script = await curl('-I', rack.url(`/boot/${macPath}/script.ipxe`));
  assert.equal(Number(/content-length: (\d+)/i.exec(script)?.[1]), (await fetchScript(rack)).length);
  await waitFor(() => ofType(rack.observations, 'boot.file-served').some((event) => (event.data as { bytes: number }).bytes === whole.length));
});

test('a restart in the middle keeps the ledger, the token and what was done', async () => {
  await deploy();
  const agent = await boot(rack);
  await agent.checkIn();
  await agent.run(attempt, ['write-image']);
  const claimed = await agent.claim('grow', attempt);
  await rack.stop();
  await rack.start();
  assert.equal((await agent.report('grow', attempt, claimed.body.claim)).body.next, 'continue');
  assert.deepEqual((await agent.checkIn()).body.steps.map((step) => step.id), ['seed']);
  assert.equal(await agent.run(attempt, ['seed']), 'reboot');
});

test('Redis away: who needs the ledger asks again, who does not boots its disk; back again, it goes on', async () => {
  await rack.redis.kill();
  await rack.putPolicy(policy({ attempt }));
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: ledger-away'));
  await rack.putPolicy(policy({ answer: 'local', status: 'Deployed', operation: null }));
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: policy-local'));
  await rack.redis.restart();
  await deploy();
});

test('NATS away: known machines are served, unknown ones get their disk', async () => {
  await deploy();
  await rack.nats.kill();
  const unknown = (): Promise<string> => curl('--interface', '127.0.0.2', rack.url(`/boot/${macToken(otherMac)}/script.ipxe`));
  await waitFor(async () => (await unknown()).includes('# ironbus: unknown-region-away'));
  const agent = await boot(rack);
  assert.equal((await agent.checkIn()).body.attempt, attempt);
  assert.equal(await agent.run(attempt, steps), 'reboot');
  assert.match(await fetchScript(rack), /# ironbus: deployment-done/);
  await rack.nats.restart();
  const mine = () => ofType(rack.events, 'node.step-reported').filter((event) => (event.data as { attempt: number }).attempt === attempt);
  await waitFor(() => mine().length === 3, { timeoutMs: 20_000, what: 'the outbox is published' });
  await waitFor(() => rack.api.ready().ready && rack.lifecycle.ready().ready);
  await waitFor(async () => (await unknown()).includes('# ironbus: unknown-enlist'));
});

test('user-data is opened for the claim of seed, and for nobody else', async () => {
  const key = generateRackKey();
  await writeFile(rack.config.rackKeyFile, key.privateKeyPem);
  const dataKey = `${node}.request-${attempt}`;
  const withData = deploySteps.map((step) => step.id === 'seed' ? { ...step, parameters: { ...step.parameters, deployment: { ...deployment, deployData: dataKey } } } : step);
  await rack.putPolicy(policy({ attempt, steps: withData }));
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: policy-agent'));
  const agent = await boot(rack);
  await agent.checkIn();
  await agent.run(attempt, ['write-image', 'grow']);
  assert.equal((await agent.claim('seed', attempt)).status, 503, 'the data has not arrived');
  await rack.api.kv(deployDataBucket).put(dataKey, { node, sealed: seal(key.publicKey, rackId, `deploy-data/${dataKey}`, { userData: '#!/bin/sh\necho hello\n' }) });
  const claimed = await waitFor(async () => { const answer = await agent.claim('seed', attempt); return answer.status === 200 && answer.body; });
  const files = claimed.parameters['files'] as Record<string, string>;
  assert.equal(Buffer.from(files['user-data'] ?? '', 'base64').toString(), '#!/bin/sh\necho hello\n');
});

test('grub.cfg and pxelinux.cfg carry the same decision', async () => {
  await deploy();
  const text = async (path: string): Promise<string> => (await fetch(rack.url(`/boot/${macPath}/${path}`))).text();
  assert.match(await text('grub.cfg?via=tftp'), /^ironbus_boot \(tftp,10\.77\.0\.1\)$[\s\S]*source \(tftp,10\.77\.0\.1\)\/grub\/grub\.cfg$/m);
  assert.match(await text('grub.cfg'), /^ {2}if linux \$1\/agent-image\/\$ironbus_arch\/vmlinuz ironbus\.url=.*\n[\s\S]*^if insmod http; then ironbus_boot \(http,10\.77\.0\.1:5248\); fi$/m);
  assert.match(await text('pxelinux.cfg'), /^ {2}KERNEL http:\/\/10\.77\.0\.1:5248\/agent-image\/amd64\/vmlinuz$/m);
  await waitFor(() => ['ipxe', 'grub', 'pxelinux'].every((flavour) => ofType(rack.observations, 'boot.script-served').some((event) => (event.data as { flavour: string }).flavour === flavour)));
});

test('what is not the protocol is refused with every violation', async () => {
  const agent = await boot(rack);
  const answer = await agent.call<{ error: { code: string; violations: unknown[] } }>('check-in', { mac: 'nonsense' });
  assert.deepEqual([answer.status, answer.body.error.code, answer.body.error.violations.length > 1], [422, 'REQUEST_INVALID', true]);
  assert.equal((await agent.call('nothing', {})).status, 404);
});
