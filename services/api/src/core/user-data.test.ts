import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUserData, maxUserDataBytes } from './user-data.ts';

const mime = (...parts: string[]): string => `Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n${parts.map((part) => `--b\n${part}\n`).join('')}--b--\n`;
const base64 = (text: string): string => Buffer.from(text).toString('base64').replace(/.{1,76}/g, '$&\n').trim();

const good = {
  'cloud-config': '#cloud-config\npackages: [nginx]\n', 'empty cloud-config': '#cloud-config\n', 'windows line ends': '#cloud-config\r\nruncmd:\r\n  - ls\r\n',
  'a script': '#!/bin/sh\necho hi\n', include: '#include\nhttps://example.net/x\n', boothook: '#cloud-boothook\n', template: '## template: jinja\n#cloud-config\n{{ x }}',
  'a script with windows line ends, which cloud-init converts (handlers/shell_script.py)': '#!/bin/sh\r\nls\r\n', 'a header with a word more': '#cloud-config for web servers\npackages: [nginx]\n',
  'an archive': '#cloud-config-archive\n- "#!/bin/sh"\n- { type: text/cloud-config, content: "a: 1" }\n', 'a template that makes its header': '## template: jinja\n{% if v1.distro == "debian" %}\n#cloud-config\n{% endif %}\n',
  MIME: mime('Content-Type: text/cloud-config\n\npackages: [nginx]', 'Content-Type: text/x-shellscript\n\n#!/bin/sh\nls', 'Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\nH4sIAAAA'),
  'MIME in MIME, folded and encoded': mime('Content-Type: multipart/mixed;\n boundary=in\n\n--in\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n#cloud-config\na: =C3=BC=\nx\n--in--'),
  'exactly the limit': `#!/bin/sh\n${'a'.repeat(maxUserDataBytes - 10)}`,
};
for (const [name, text] of Object.entries(good)) test(`${name} is taken`, () => assert.deepEqual(checkUserData(text), []));

const bad: Record<string, [text: string, line: number, says: RegExp]> = {
  'a space in the header': ['# cloud-config\npackages: []\n', 1, /write "#cloud-config" with no space/],
  'no header': ['packages: [nginx]\n', 1, /would ignore user-data.*start it with one of #cloud-config/],
  'nothing at all': ['', 1, /would ignore/],
  'bad YAML': ['#cloud-config\nruncmd:\n  - "ls\n', 4, /not YAML/],
  'a key twice': ['#cloud-config\nruncmd: [a]\nruncmd: [b]\n', 3, /not YAML: Map keys must be unique/],
  'a list': ['#cloud-config\n- a\n', 2, /is a map/],
  'a phone_home of its own': ['#cloud-config\nusers: []\nphone_home:\n  url: x\n', 3, /remove it, and call other places from runcmd/],
  'a NUL byte': ['#!/bin/sh\n\0', 1, /NUL byte/],
  'a byte order mark': ['\ufeff#cloud-config\n', 1, /byte order mark stands before it.*save it as UTF-8 without/],
  'MIME that does not say so': ['Content-Type: multipart/mixed; boundary="x"\n\n--x\n\n#cloud-config\n--x--\n', 1, /add it|MIME-Version: 1\.0/],
  'MIME without a boundary': ['Content-Type: multipart/mixed\nMIME-Version: 1.0\n\n#cloud-config\n', 1, /names no boundary: write multipart\/mixed; boundary="…"/],
  'MIME whose boundary is nowhere': ['MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=y\n\n--x\n', 4, /no line says --y/],
  'bad YAML in a part': [mime('Content-Type: text/x-shellscript\n\n#!/bin/sh', 'Content-Type: text/cloud-config\n\na: 1\nb: ['), 12, /not YAML/],
  'bad YAML in an encoded part': [mime(`Content-Type: text/cloud-config; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n${base64('a: 1\nb: 2\nb: 3\n')}`), 8, /^line 3 of the part that begins here: not YAML: Map keys must be unique$/],
  'a part that cloud-init ignores': [mime('Content-Type: text/plain\n\npackages: [nginx]'), 7, /would ignore user-data whose first line is "packages/],
  'a phone_home in a part': [mime('Content-Type: text/cloud-config\n\nphone_home: { url: x }'), 7, /remove it/],
  'a phone_home behind a header with a word more': ['#cloud-config for me\nphone_home: { url: x }\n', 2, /remove it/],
  'a phone_home in a template': ['## template: jinja\n#cloud-config\nphone_home: { url: x }\n', 3, /remove it/],
  'a phone_home in an archive': ['#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    phone_home: { url: x }\n', 4, /remove it/],
  'an archive that is no YAML': ['#cloud-config-archive\n- [\n', 3, /not YAML/],
  'a template that becomes nothing': ['## template: jinja\npackages: [nginx]\n', 2, /write "#cloud-config" or another header below/],
  'aliases that explode': [`#cloud-config\na0: &a0 [${'x, '.repeat(9)}]\n${[1, 2, 3, 4].map((at) => `a${at}: &a${at} [${`*a${at - 1}, `.repeat(9)}]\n`).join('')}`, 1, /more than 100 copies/],
  'two documents': ['#cloud-config\na: 1\n---\nb: 1\n', 3, /one document: remove the "---"/],
  'too much': [`#!/bin/sh\n${'a'.repeat(maxUserDataBytes)}`, 1, /at most 262144/],
};
for (const [name, [text, line, says]] of Object.entries(bad)) {
  test(`${name} is refused with line and remedy`, () => {
    const [problem] = checkUserData(text);
    assert.equal(problem?.line, line);
    assert.match(problem?.message ?? '', says);
  });
}
