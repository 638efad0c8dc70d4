/** What the system on the disk reads at its first boot: by curl, and by the real cloud-init. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { waitFor } from '@ironbus/testkit';
import { readMaas, readNoCloud, report, runCloudInit, unpackCloudInit, type Read } from '../test/cloud-init.ts';
import { mac, node, otherMac, policy } from '../test/fixtures.ts';
import { datasourceOf, install, oauthHeader, putUserData, text } from '../test/installed.ts';
import { ofType, startRack, type Rack } from '../test/rack.ts';

const curl = async (...args: string[]): Promise<string> => (await promisify(execFile)('curl', ['-sS', '--max-time', '10', ...args])).stdout;
const status = (...args: string[]): Promise<string> => curl('-o', '/dev/null', '-w', '%{http_code}', ...args);
const userData = '#cloud-config\nwrite_files: [{ path: /etc/x, content: "ü" }]\n';
let rack: Rack;
let pythonPath: string;
let directory: string;
let attempt = 0;

before(async () => {
  [rack, pythonPath, directory] = await Promise.all([startRack(), unpackCloudInit(), mkdtemp(join(tmpdir(), 'ironbus-cloud-init-'))]);
  await Promise.all([rack.bind('127.0.0.1', mac), rack.bind('127.0.0.2', otherMac), putUserData(rack, 'data', userData)]);
  await rack.start();
  await rack.putNetwork({ baseUrl: rack.url('') });
  await waitFor(async () => (await curl(rack.url('/boot/52-54-00-77-00-01/script.ipxe'))).includes(rack.url('')));
});
after(async () => {
  await rack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** One more attempt; what the agent was given for the disk. */
async function deploy(changes: Parameters<typeof install>[1]['deployment'] = {}): Promise<Awaited<ReturnType<typeof install>>> {
  attempt += 1;
  return install(rack, { attempt, deployment: { deployData: 'data', ...changes } });
}
const signed = (keys: Parameters<typeof oauthHeader>[0], timestamp?: string): string[] => ['-H', `Authorization: ${oauthHeader(keys, timestamp)}`];
const refusals = (): unknown[] => ofType(rack.observations, 'boot.refused').map((event) => (event.data as { reason: string }).reason);
const lastRefusal = (reason: string) => waitFor(() => refusals().includes(reason), { what: reason });
const phoneHome = /http:[^"\\]*\/phone-home\/[^"\\]*/;

test('cloud-init’s DataSourceMAAS reads metadata, keys, user-data and vendor-data with what the agent wrote to the disk', async () => {
  const seed = await deploy({ datasource: 'maas' });
  assert.deepEqual(seed.files, {}, 'nothing but the credentials is on the disk');
  const read = await runCloudInit<Read>(pythonPath, readMaas, { directory, input: datasourceOf(seed) });
  assert.deepEqual([read.found, read.id, read.hostname, read.keys, read.userData], [true, `${node}-${attempt}`, 'web1', ['ssh-ed25519 AAAA me'], userData]);
  assert.match(read.vendorData, /^#cloud-config\n/);
  const url = phoneHome.exec(read.vendorData)?.[0] ?? '';
  assert.equal(await status('-d', 'hostname=web1', url), '200');
  await waitFor(() => ['meta-data/instance-id', 'meta-data/vendor-data', 'user-data'].every((file) => ofType(rack.observations, 'boot.file-served').some(({ data, nodeid }) => nodeid === node && (data as { path: string }).path === `/MAAS/metadata/2012-03-01/${file}`)));
  await waitFor(() => ofType(rack.events, 'node.phoned-home').some((event) => (event.data as { attempt: number }).attempt === attempt));
});

test('what a deployment has not is 404, and cloud-init goes on without it', async () => {
  const seed = await deploy({ datasource: 'maas', deployData: null, sshKeys: [] });
  const read = await runCloudInit<Read>(pythonPath, readMaas, { directory, input: datasourceOf(seed) });
  assert.deepEqual([read.found, read.keys, read.userData], [true, [], null]);
  const { MAAS } = datasourceOf(seed).datasource;
  const get = (path: string): Promise<string> => curl(...signed(MAAS), `${MAAS.metadata_url}${path}`);
  assert.equal(await get('2012-03-01/'), 'meta-data/\n');
  assert.equal(await get('latest/meta-data/'), 'instance-id\nlocal-hostname\nvendor-data\n');
  assert.equal(await curl(MAAS.metadata_url), '2012-03-01\nlatest\n');
  for (const path of ['2012-03-01/user-data', '2012-03-01/meta-data/public-keys', '2012-03-01/meta-data/nothing', '2009-04-04/meta-data/instance-id']) {
    assert.equal(await status(...signed(MAAS), `${MAAS.metadata_url}${path}`), '404', path);
  }
});

test('a timestamp is not looked at; every 401 and 403 has the date, and is published', async () => {
  const { MAAS } = datasourceOf(await deploy({ datasource: 'maas' })).datasource;
  const url = `${MAAS.metadata_url}2012-03-01/user-data`;
  for (const timestamp of ['', 'oauth_timestamp="0", ', 'oauth_timestamp="99999999999", ', 'oauth_timestamp="12", ']) assert.equal(await status(...signed(MAAS, timestamp), url), '200', timestamp);
  const dated = async (...args: string[]): Promise<string> => {
    const answer = await curl('-D', '-', ...args);
    assert.ok(Math.abs(Date.parse(/^date: (.*)\r$/im.exec(answer)?.[1] ?? '') - Date.now()) < 60_000, answer);
    assert.doesNotMatch(answer, /cloud-config/);
    return /^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? '';
  };
  assert.equal(await dated(url), '401');
  assert.equal(await dated(...signed({ ...MAAS, token_secret: 'wrong' }), url), '401');
  assert.equal(await dated(...signed({ ...MAAS, consumer_key: 'other.abc' }), url), '401');
  assert.equal(await dated('--interface', '127.0.0.2', ...signed(MAAS), url), '403');
  for (const reason of ['oauth-missing', 'oauth-wrong', 'asker-foreign']) await lastRefusal(reason);
  await rack.putPolicy(policy({ status: 'Deployed', answer: 'local', operation: null }));
  await waitFor(async () => await status(...signed(MAAS), url) === '403');
  assert.equal(await dated(...signed(MAAS), url), '403');
  await lastRefusal('metadata-not-deploying');
});

test('an attempt’s credentials end with the attempt', async () => {
  const old = datasourceOf(await deploy({ datasource: 'maas' })).datasource.MAAS;
  const { MAAS } = datasourceOf(await deploy({ datasource: 'maas' })).datasource;
  assert.equal(await status(...signed(MAAS), `${MAAS.metadata_url}2012-03-01/user-data`), '200');
  assert.equal(await status(...signed(old), `${MAAS.metadata_url}2012-03-01/user-data`), '401');
  assert.doesNotMatch(JSON.stringify([rack.events, rack.observations]), new RegExp(MAAS.token_secret));
});

test('cloud-init’s NoCloud reads the seed over the network, whatever the URL says it is', async () => {
  await deploy();
  for (const path of ['/seed/', '/seed/__dmi.chassis-serial-number__/', '/seed/serial/To%20Be%20Filled/', '/seed//', `/seed/${otherMac}/`]) {
    const env = { DEBUG_PROC_CMDLINE: `root=/dev/vda1 ds=nocloud-net;s=${rack.url(path)}` };
    const read = await runCloudInit<Read>(pythonPath, readNoCloud, { directory, input: {}, env });
    assert.deepEqual([read.found, read.id, read.hostname, read.keys, read.userData], [true, `${node}-${attempt}`, 'web1', ['ssh-ed25519 AAAA me'], userData], path);
  }
  assert.match(await curl(rack.url('/seed/x/network-config')), /"macaddress": "52:54:00:77:00:01"/);
  assert.equal(await status('--interface', '127.0.0.2', rack.url('/seed/x/user-data')), '404', 'a machine that nobody knows');
  assert.equal(await status('--interface', '127.0.0.3', rack.url('/seed/x/user-data')), '503', 'an address that nobody knows');
  assert.equal(await status(rack.url('/seed/x/nothing')), '404');
});

test('cloud-init’s webhook reports become events: with the seed over the network, with the MAAS data source, and from curtin', async () => {
  await writeFile(join(directory, 'attached.log'), 'a secret of the machine\n');
  const mine = () => ofType(rack.observations, 'node.status-reported').filter((event) => (event.data as { attempt: number }).attempt === attempt);
  const check = async (): Promise<void> => {
    await waitFor(() => mine().length === 3, { what: 'three reports' });
    const told = mine().map(({ data }) => data as Record<string, unknown>);
    assert.deepEqual(told.map(({ eventType, name, result }) => [eventType, name, result]), [['start', 'init-network', null], ['finish', 'init-network', 'SUCCESS'], ['finish', 'modules-final', 'WARN']]);
    assert.deepEqual(told[2]?.['files'], [join(directory, 'attached.log')]);
    assert.deepEqual([mine()[0]?.nodeid, mine()[0]?.subject, mine()[0]?.bootid, told[0]?.['origin'], told[0]?.['mac']], [node, node, 'boot-1', 'cloudinit', mac]);
    assert.doesNotMatch(JSON.stringify(mine()), /secret of the machine|YSBzZWNyZXQ/);
  };
  await deploy();
  const vendor = (await curl(rack.url('/seed/x/vendor-data'))).replace('#cloud-config\n', '');
  await runCloudInit(pythonPath, report, { directory, input: (JSON.parse(vendor) as { reporting: unknown }).reporting });
  await check();
  const seed = datasourceOf(await deploy({ datasource: 'maas' }));
  await runCloudInit(pythonPath, report, { directory, input: seed.reporting });
  await check();
  const { MAAS } = seed.datasource;
  const url = `${MAAS.metadata_url}status/${node}`;
  const post = (body: string, ...more: string[]): Promise<string> => status('--data-binary', body, ...signed(MAAS), ...more, url);
  assert.equal(await post('{"event_type":"start","name":"cmd-install","origin":"curtin","description":"x"}'), '204', 'curl and curtin post it as a form');
  for (const bad of ['', 'x=y', '{"event_type":"boom","name":"x"}']) assert.equal(await post(bad), '422', bad);
  assert.equal(await status('--data-binary', '{}', url), '401');
  assert.equal(await status('--data-binary', '{}', ...signed(MAAS), `${url}x`), '403');
  const big = join(directory, 'big.json');
  await writeFile(big, JSON.stringify({ event_type: 'start', name: 'x', description: 'y'.repeat(1_100_000) }));
  assert.equal(await post(`@${big}`), '413');
});

test('reports are limited by rate, each machine for itself', async () => {
  const { MAAS } = datasourceOf(await deploy({ datasource: 'maas' })).datasource;
  const answers = await Promise.all(Array.from({ length: 400 }, () => fetch(`${MAAS.metadata_url}status/${node}`, {
    method: 'POST', headers: { authorization: oauthHeader(MAAS) }, body: '{"event_type":"progress","name":"x"}',
  })));
  const count = (code: number): number => answers.filter((answer) => answer.status === code).length;
  assert.equal(count(204) + count(429), 400);
  assert.ok(count(204) >= 200 && count(429) > 0, `${count(204)} taken, ${count(429)} not`);
});

test('a machine whose static address dhcp has forgotten reads its metadata with its credentials, and no seed without', async () => {
  const { MAAS } = datasourceOf(await deploy({ datasource: 'maas' })).datasource;
  await rack.unbind('127.0.0.1');
  const url = `${MAAS.metadata_url}2012-03-01/meta-data/instance-id`;
  await waitFor(async () => await status(rack.url('/seed/x/user-data')) === '503');
  assert.equal(await status(...signed(MAAS), url), '200');
  assert.equal(await status('--interface', '127.0.0.4', ...signed(MAAS), url), '503', 'from an address that it was not told');
  await rack.bind('127.0.0.1', mac);
  await lastRefusal('asker-unbound');
});

test('on the disk the default is the whole seed', async () => {
  const seed = await deploy();
  assert.deepEqual([Object.keys(seed.files).sort(), seed.config], [['meta-data', 'network-config', 'user-data', 'vendor-data'], undefined]);
  assert.doesNotMatch(text(seed.files['vendor-data']), /reporting/);
  assert.match(text(seed.files['meta-data']), /instance-id/);
});
