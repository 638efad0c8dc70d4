/** A harness that dies without a word: makes a lab with a machine that is on and a BMC, says so, and waits to be killed. */
import { bmcAddress, defineLab } from './lab.ts';
import { startBmc } from './bmc.ts';
import { addMachine } from './machine.ts';
import { up } from './network.ts';

const [prefix = '', base = '', stateRoot = ''] = process.argv.slice(2);
const lab = defineLab({ prefix, base, stateRoot });
await up(lab);
const machine = await addMachine(lab, {
  name: 'left', mac: '52:54:00:77:00:0a', uuid: '52540077-0000-4000-8000-00000000000a', serial: 'LEFT', firmware: 'bios',
  memoryMb: 128, cpus: 1, nic: 'virtio-net-pci', disks: [], network: 'pxe',
});
await startBmc(lab, machine, { address: bmcAddress(lab, 0) });
await machine.power('on');
process.stdout.write('ready\n');
setInterval(() => undefined, 60_000);
