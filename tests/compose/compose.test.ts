/** `docker compose up` on a host with a real network: it becomes healthy, is confined, stays small, and deploys a machine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import type { Envelope } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { createClient, type Client } from '../lab/client.ts';
import { ensureImage } from '../lab/harness/images.ts';
import { exec } from '../lab/harness/network.ts';
import { cacheDir } from '../lab/stack.ts';
import { addBuilt, addressOf, commission, deploy, enlist, rackUp, setPower, ssh, sshKey } from '../lab/story.ts';
import { timeline } from '../lab/timeline.ts';
import { defineComposition, dockerMemoryMb, freePorts, memoryOf, processArguments, processState, requireEngine, type Composition } from './composition.ts';
import { makeLan, type Lan } from './lan.ts';

const ours = ['api', 'lifecycle', 'power', 'bootfiles', 'tftp', 'dhcp'] as const;
const all = ['nats', 'redis', ...ours];
/** capability(7): NET_BIND_SERVICE is bit 10, NET_RAW bit 13. */
const allowed: Record<string, string> = { tftp: '400', dhcp: '2400' };
const limitMb = 300;
const say = (text: string): void => console.log(`compose: ${text}`);

let lan: Lan;
let composition: Composition;
let client: Client;

before(async () => {
  assert.equal(process.getuid?.(), 0, 'the compose test makes network devices: run it as root (sudo npm run test:compose)');
  await requireEngine();
  lan = await makeLan();
  const [nats, redis, api, boot, ...health] = (await freePorts(7)).map(String);
  composition = defineComposition({
    IRONBUS_IMAGE: 'ironbus:compose-test', IRONBUS_NATS_PORT: nats!, IRONBUS_REDIS_PORT: redis!, IRONBUS_API_PORT: api!, IRONBUS_BOOT_PORT: boot!,
    DHCP_HEALTH_PORT: health[0]!, TFTP_HEALTH_PORT: health[1]!, BOOTFILES_HEALTH_PORT: health[2]!,
    IRONBUS_NETWORK_INTERFACE: lan.device, IRONBUS_NETWORK_CIDR: lan.cidr, IRONBUS_NETWORK_ADDRESS: lan.address, IRONBUS_NETWORK_POOL: lan.pool,
    IRONBUS_NETWORK_MODE: 'authoritative', IRONBUS_NETWORK_GATEWAY: lan.address, IRONBUS_NETWORK_DOMAIN: 'lab.internal',
    LIFECYCLE_CHECK_IN_SECONDS: '120', LIFECYCLE_PHONE_HOME_SECONDS: '240', POWER_POLL_SECONDS: '5', POWER_CONFIRM_SECONDS: '15',
  });
  await composition.down(); // what a test that was killed left
  say('building the image');
  await composition.build();
  const started = Date.now();
  await composition.up(180);
  say(`healthy after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  client = createClient(`http://127.0.0.1:${api}`, adminKeyIn(await composition.logs('api')));
}, { timeout: 1_200_000 });

after(async () => {
  await composition?.down();
  await lan?.down();
}, { timeout: 120_000 });

/** The log shows the first administrator's key once. */
function adminKeyIn(log: string): string {
  const keys = [...log.matchAll(/\s(ib_[A-Za-z0-9_-]{43})\s*$/gm)];
  assert.equal(keys.length, 1, 'the first key is in the log of api, once');
  return keys[0]![1]!;
}

test('every service is healthy, and the rack has joined', async () => {
  const running = await composition.running();
  assert.deepEqual(running.map(({ service }) => service).sort(), [...all].sort());
  for (const { service, health } of running) assert.equal(health, 'healthy', service);
  assert.deepEqual((await client.get<{ id: string }[]>('/racks')).map(({ id }) => id), ['rack1']);
  const networks = await client.get<{ mode: string; interface: string }[]>('/networks');
  assert.deepEqual(networks.map(({ mode, interface: device }) => ({ mode, device })), [{ mode: 'authoritative', device: lan.device }]);
});

test('every process is an ordinary user with the capabilities it needs and no others', async () => {
  for (const service of all) {
    const expected = allowed[service] ?? '0';
    for (const pid of await composition.processes(service)) {
      const state = processState(pid);
      const what = `${service}: ${state.name}`;
      assert.deepEqual(state.uids, [10_001, 10_001, 10_001, 10_001], what);
      const sets = service === 'nats' || service === 'redis' ? { CapEff: '0', CapBnd: '0' } : { CapInh: expected, CapPrm: expected, CapEff: expected, CapBnd: expected, CapAmb: expected };
      assert.deepEqual({ ...state.capabilities, ...sets }, state.capabilities, what);
      assert.ok(state.noNewPrivileges, what);
    }
  }
});

test('nothing is writable but volumes and /tmp, and nobody reads another’s secrets', async () => {
  for (const service of all) assert.equal(await composition.inspect(service, '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}}'), 'true false', service);
  for (const service of ours) {
    const written = await composition.exec(service, ['sh', '-c', 'touch /ironbus/x']);
    assert.match(written.stderr, /Read-only file system/, service);
    const asService = ['setpriv', '--reuid=10001', '--regid=10001', '--clear-groups', 'ls', '/run/ironbus/secrets'];
    assert.match((await composition.exec(service, asService)).stderr, /Permission denied/, service);
    const argv = (await composition.processes(service)).map((pid) => processArguments(pid)).join(' ');
    assert.doesNotMatch(argv, /redis:\/\/|ib_|ibjoin_|NKEY/, service);
  }
});

test('the idle stack is small', async () => {
  const read = () => Promise.all(all.map(async (service) => ({ service, docker: await dockerMemoryMb(await composition.inspect(service, '{{.Id}}')), ...memoryOf(await composition.processes(service)) })));
  const total = (rows: Awaited<ReturnType<typeof read>>, pick: 'docker' | 'anonymous' | 'pss'): number => rows.reduce((sum, row) => sum + row[pick], 0);
  let rows = await read();
  const isSmall = (): boolean => total(rows, 'docker') < limitMb;
  // What the start left behind is collected once there is nothing to do: idle is what it comes to.
  await waitFor(async () => {
    if (!isSmall()) rows = await read();
    return isSmall();
  }, { what: `all containers to use less than ${limitMb} MB`, timeoutMs: 90_000, everyMs: 2_000 }).finally(() => {
    for (const row of rows) say(`${row.service.padEnd(10)} ${row.docker.toFixed(1).padStart(6)} MB (anonymous ${row.anonymous.toFixed(1)}, PSS ${row.pss.toFixed(1)})`);
    say(`together   ${total(rows, 'docker').toFixed(1).padStart(6)} MB (anonymous ${total(rows, 'anonymous').toFixed(1)}, PSS ${total(rows, 'pss').toFixed(1)})`);
  });
});

test('a loader is served by TFTP to whoever is on the network', async () => {
  const fetched = await exec(lan.lab, 'prov', ['sh', '-c', `curl --silent --show-error --max-time 20 tftp://${lan.address}/undionly.kpxe | wc -c`]);
  assert.ok(Number(fetched.stdout) > 50_000, `${fetched.stdout} ${fetched.stderr}`);
});

test('a machine is enlisted, commissioned and deployed, and lets a person in', { timeout: 480_000 }, async () => {
  const events: Envelope[] = [];
  const stopFollowing = await client.follow((event) => events.push(event));
  try {
    const key = await sshKey(join(lan.lab.dir, 'ssh'));
    await addBuilt(client, await ensureImage('tiny', cacheDir, say));
    const rig = await rackUp(lan.lab, 0, 'bios');
    const found = await enlist(client, rig);
    assert.equal(found.hardware?.disks[0]?.serial, 'DISK-1');
    say(`enlisted as ${found.hostname}`);
    const node = await setPower(client, found, rig.bmc);
    await commission(client, node);
    say('commissioned by its BMC, which the power container reaches');
    const deployed = await deploy(client, node, { image: 'tiny', hostname: 'composed', sshKeys: [key.publicKey] });
    say(`deployed at ${addressOf(deployed)}`);
    assert.equal(await ssh(lan.lab, key, addressOf(deployed), 'hostname'), 'composed');
    say('ssh lets in');
  } finally {
    stopFollowing();
    console.log(timeline(events));
  }
});

test('nothing that a service did was refused, and none failed', async () => {
  for (const service of ours) {
    const bad = (await composition.logs(service)).split('\n').filter((line) => /"level":"(error|fatal)"|NOPERM|permission/i.test(line));
    assert.deepEqual(bad, [], service);
  }
});

test('stopped and started again, the stack has forgotten nothing', { timeout: 300_000 }, async () => {
  const before = await client.get<{ id: string; status: string }[]>('/machines');
  await composition.stop();
  await composition.up(180);
  const afterwards = await client.get<{ id: string; status: string }[]>('/machines');
  assert.deepEqual(afterwards.map(({ id, status }) => ({ id, status })), before.map(({ id, status }) => ({ id, status })));
  assert.deepEqual(afterwards.map(({ status }) => status), ['Deployed']);
  adminKeyIn(await composition.logs('api'));
});
