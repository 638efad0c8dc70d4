/** The lab itself, with the real ipmitool, QEMU and kernel; needs root. No operating system boots here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Bmc, ipmitool, startBmc } from './bmc.ts';
import { bmcAddress, defineLab } from './lab.ts';
import { addMachine, diskDigest, type Machine, openMachine } from './machine.ts';
import { cleanUp, down, exec, up } from './network.ts';
import { ensurePackages, labPackages } from './packages.ts';
import type { MachineSpec } from './qemu-argv.ts';
import { waitUntil } from './run.ts';
import { isAlive, readRecords } from './state.ts';

const stateRoot = mkdtempSync(join(tmpdir(), 'ironbus-harness-test-'));
const lab = defineLab({ prefix: 'ironbus-hint', base: '10.79', stateRoot, router: true });
const spec: MachineSpec = {
  name: 'n1', mac: '52:54:00:77:00:01', uuid: '52540077-0000-4000-8000-000000000001', serial: 'SER-1', firmware: 'bios',
  memoryMb: 128, cpus: 1, nic: 'virtio-net-pci', disks: [{ sizeGb: 1, serial: 'DISK-1' }], network: 'pxe',
};
const namespace = (name: string): boolean => existsSync(`/run/netns/${name}`);

before(async () => {
  assert.equal(process.getuid?.(), 0, 'this test makes network namespaces and taps: run it as root');
  await ensurePackages(labPackages, console.log);
});
after(async () => {
  await cleanUp(lab);
  rmSync(stateRoot, { recursive: true, force: true });
});

describe('a lab that is up', () => {
  let machine: Machine;
  let bmc: Bmc;

  before(async () => {
    const started = performance.now();
    await up(lab);
    const ms = Math.round(performance.now() - started);
    assert.ok(ms < 5000, `up took ${ms} ms`);
    machine = await addMachine(lab, spec);
    bmc = await startBmc(lab, machine, { address: bmcAddress(lab, 0) });
  });
  after(() => down(lab));

  const ipmi = async (...command: string[]): Promise<string> => {
    const ran = await ipmitool(lab, bmc, command);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout.trim();
  };
  const becomes = (state: 'on' | 'off'): Promise<boolean> =>
    waitUntil(`machine ${state}`, async () => (await machine.status()) === state, { timeoutMs: 10_000 });

  test('the host reaches prov, and prov the far segment through the router', async () => {
    const fromHost = await exec(lab, 'host', ['ip', 'route', 'get', lab.addresses.prov]);
    assert.match(fromHost.stdout, new RegExp(`via ${lab.addresses.provHost}`));
    const far = await exec(lab, 'prov', ['ip', 'route', 'get', `${lab.base}.1.9`]);
    assert.match(far.stdout, new RegExp(`via ${lab.addresses.routerPxe}`));
  });

  test('a second lab on the same addresses is refused with the reason', async () => {
    const twin = defineLab({ prefix: 'ironbus-hint2', base: lab.base, stateRoot });
    await assert.rejects(up(twin), /has a route inside 10\.79\.0\.0\/16.*another base/);
  });

  test('ipmitool: status, on, on again, cycle, reset, off', async () => {
    assert.equal(await ipmi('power', 'status'), 'Chassis Power is off');
    await ipmi('power', 'on');
    await ipmi('power', 'on');
    assert.equal(await ipmi('power', 'status'), 'Chassis Power is on');
    const first = readRecords(machine.dir)[0]?.pid;
    await ipmi('power', 'cycle');
    const isAnother = (): boolean => readRecords(machine.dir).some((record) => record.pid !== first && isAlive(record));
    await waitUntil('another QEMU', isAnother, { timeoutMs: 10_000 });
    await ipmi('power', 'reset');
    await becomes('on');
    await ipmi('power', 'off');
    await becomes('off');
    assert.match(machine.serial(), /power on, network first[\s\S]*power off[\s\S]*power on[\s\S]*reset[\s\S]*power off/);
  });

  test('a boot device chosen by IPMI is used once', async () => {
    await ipmi('chassis', 'bootdev', 'disk');
    const from = machine.serial().length;
    await ipmi('power', 'on');
    await ipmi('power', 'off');
    await ipmi('power', 'on');
    await ipmi('power', 'off');
    assert.match(machine.serial(from), /power on, disk first[\s\S]*power on, network first/);
  });

  test('the BMC is as the machine says: FRU, GUID; a wrong password is refused', async () => {
    assert.match(await ipmi('fru'), /Product Serial\s+: SER-1/);
    assert.match(await ipmi('mc', 'guid'), /52540077-0000-4000-8000-000000000001/);
    const wrong = await ipmitool(lab, bmc, ['power', 'status'], { name: 'admin', password: 'wrong', privilege: 'admin' });
    assert.equal(wrong.code, 1);
  });

  test('a machine opened by name is the same; its screen can be seen; its disk stays untouched', async () => {
    const digest = await diskDigest(machine, 0);
    const again = openMachine(lab, 'n1');
    await again.power('on');
    const png = join(stateRoot, 'screen.png');
    await again.screenshot(png);
    assert.ok(statSync(png).size > 100);
    await again.power('off');
    assert.equal(await diskDigest(machine, 0), digest);
  });
});

test('a harness killed by SIGKILL leaves a lab; the next up cleans it', async () => {
  const argv = [join(import.meta.dirname, 'crash-fixture.ts'), lab.prefix, lab.base, stateRoot];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const left = readRecords(lab.dir).filter(isAlive);
  assert.equal(left.length, 2, 'QEMU and the BMC outlive the harness');
  await up(lab);
  assert.deepEqual(left.filter(isAlive), []);
  await down(lab);
  assert.ok(!namespace(lab.namespaces.rack) && !namespace(lab.namespaces.prov));
  assert.ok(!existsSync(`/sys/class/net/${lab.hostLink.host}`));
});
