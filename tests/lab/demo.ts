/** `npm run lab`: the whole of Ironbus and two virtual machines, from powered off to ssh; runs on until Ctrl-C. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Envelope } from '@ironbus/contracts';
import { ensureImage } from './harness/images.ts';
import { defineLab, type Lab } from './harness/lab.ts';
import { cleanUp, cleanUpAtExit, up } from './harness/network.ts';
import { cacheDir, startStack, type Stack } from './stack.ts';
import { addBuilt, addressOf, commission, deploy, enlist, rackUp, setPower, ssh, sshArguments, sshKey, type Rig, type SshKey } from './story.ts';
import { timeline } from './timeline.ts';

const started = performance.now();
const say = (text: string): void => console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)}s  ${text}`);
const once = process.argv.includes('--once');

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the lab makes network namespaces: run it as root (sudo npm run lab)');
  const lab = defineLab({ stateRoot: join(cacheDir, 'lab') });
  say('making the lab’s networks');
  await up(lab);
  const disarm = cleanUpAtExit(lab);
  const stack = await startStack(lab);
  const events: Envelope[] = [];
  await stack.client.follow((event) => events.push(event));
  say(`Ironbus is up: API ${stack.client.base}  (${stack.client.base}/openapi.json)`);
  const key = await sshKey(join(lab.dir, 'ssh'));
  const [tiny, debian] = [await ensureImage('tiny', cacheDir, say), await ensureImage('debian', cacheDir, say)];
  for (const image of [tiny, debian]) say(`image ${(await addBuilt(stack.client, image)).id} added`);

  const bios = await rackUp(lab, 0, 'bios');
  const uefi = await rackUp(lab, 1, 'uefi', { memoryMb: 1536 });
  const addresses = await Promise.all([journey(lab, stack, bios, key, 'tiny'), journey(lab, stack, uefi, key, 'debian')]);

  console.log(`\n${timeline(events)}`);
  farewell(lab, stack, key, addresses);
  if (!once) {
    disarm();
    await new Promise<void>((resolve) => { for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve()); });
  }
  await finish(lab, stack);
}

/** One machine from the power button to a login. Gives its address. */
async function journey(lab: Lab, stack: Stack, rig: Rig, key: SshKey, image: 'tiny' | 'debian'): Promise<string> {
  const { client } = stack;
  const name = rig.machine.spec.name;
  say(`${name}: power button pressed; nobody knows this machine`);
  const found = await enlist(client, rig);
  say(`${name}: enlisted as ${found.hostname} (${found.id}): ${found.hardware?.cpuThreads} threads, ${found.hardware?.disks.length} disk(s); it has switched itself off`);
  const node = await setPower(client, found, rig.bmc);
  await commission(client, node);
  say(`${name}: accepted, commissioned by its BMC at ${rig.bmc.address}, Ready`);
  const deployed = await deploy(client, node, { image, hostname: `${name}-one`, sshKeys: [key.publicKey] });
  const address = addressOf(deployed);
  say(`${name}: ${image} deployed, phoned home from ${address}`);
  const uname = await ssh(lab, key, address, 'hostname; uname -r');
  say(`${name}: ssh says: ${uname.replaceAll('\n', ' ')}`);
  return address;
}

function farewell(lab: Lab, { client, dataDir }: Stack, key: SshKey, addresses: readonly string[]): void {
  const keyFile = join(lab.dir, 'admin.key');
  writeFileSync(keyFile, `${client.key}\n`, { mode: 0o600 });
  console.log(`
The lab runs until Ctrl-C. Beside it, in another terminal:

  export IRONBUS_API=${client.base} IRONBUS_API_KEY_FILE=${keyFile}
  npm run -s ironbus -- machines list
  npm run -s ironbus -- tap
  ${addresses.map((address) => sshArguments(key, address).join(' ')).join('\n  ')}

Log: ${join(lab.dir, 'logs/ironbus.log')}   data: ${dataDir}
`);
}

async function finish(lab: Lab, stack: Stack): Promise<void> {
  say('cleaning up');
  await stack.stop();
  await cleanUp(lab);
  process.exit(0);
}

main().catch((error: Error) => {
  console.error(`\nThe lab failed: ${error.message}`);
  process.exit(1);
});
