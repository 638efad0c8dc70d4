import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScript } from './ipxe-script.ts';

const bios = new Map([['buildarch', 'i386'], ['platform', 'pcbios']]);
const agent = `#!ipxe
# ironbus: policy-agent
iseq \${buildarch} arm64 && set arch arm64 || set arch amd64
kernel http://10.0.0.1/agent-image/\${arch}/vmlinuz initrd=initrd.img ironbus.token=abc console=tty0 || goto retry
initrd --name initrd.img http://10.0.0.1/agent-image/\${arch}/initrd.img || goto retry
boot || goto retry
:retry
imgfree
sleep 5
chain --replace --autofree http://10.0.0.1/boot/script.ipxe || goto retry
`;

test('a kernel with its initrd, by the architecture of the loader', () => {
  const onArm = runScript(agent, new Map([['buildarch', 'arm64']]));
  assert.deepEqual(runScript(agent, bios), {
    do: 'boot', kernel: 'http://10.0.0.1/agent-image/amd64/vmlinuz', commandLine: 'initrd=initrd.img ironbus.token=abc console=tty0',
    initrds: ['http://10.0.0.1/agent-image/amd64/initrd.img'],
  });
  assert.equal(onArm.do === 'boot' && onArm.kernel, 'http://10.0.0.1/agent-image/arm64/vmlinuz');
});

const cases: [what: string, script: string, outcome: object][] = [
  ['what a machine is to ask for again, after a while', '#!ipxe\n:retry\nimgfree\nsleep 5\nchain --replace --autofree http://a/b || goto retry\n', { do: 'chain', url: 'http://a/b', waitSeconds: 5 }],
  ['the disk, by platform', '#!ipxe\niseq ${platform} efi && goto efi || goto bios\n:bios\nsanboot --no-describe --drive 0x80 || exit\n:efi\nexit 1\n', { do: 'disk' }],
  ['a menu: the entry that stands first', '#!ipxe\n:menu\nmenu Who?\nitem rescue Rescue\nchoose --default rescue --timeout 9000 it && goto ${it} || goto rescue\n:rescue\nchain --replace http://a/rescue\n', { do: 'chain', url: 'http://a/rescue', waitSeconds: 0 }],
  ['an end without a word is the disk', '#!ipxe\nset a b\n', { do: 'disk' }],
  ['a command that fails', '#!ipxe\nboot\n', { do: 'failed', why: 'boot' }],
  ['no script', '<html>', { do: 'failed', why: 'it is no iPXE script' }],
  ['a label that is not there', '#!ipxe\ngoto nowhere\n', { do: 'failed', why: 'there is no label nowhere' }],
  ['a command that iPXE has not', '#!ipxe\nkernal x\n', { do: 'failed', why: 'iPXE has no command kernal' }],
];
for (const [what, script, outcome] of cases) test(what, () => assert.deepEqual(runScript(script, bios), outcome));

test('a script that goes round for ever ends', () => assert.deepEqual(runScript('#!ipxe\n:a\ngoto a\n', bios), { do: 'disk' }));
