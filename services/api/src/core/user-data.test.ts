import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUserData, maxUserDataBytes } from './user-data.ts';

const good = {
  'cloud-config': '#cloud-config\npackages: [nginx]\n', 'empty cloud-config': '#cloud-config\n', 'windows line ends': '#cloud-config\r\nruncmd:\r\n  - ls\r\n',
  'a script': '#!/bin/sh\necho hi\n', include: '#include\nhttps://example.net/x\n', boothook: '#cloud-boothook\n', template: '## template: jinja\n#cloud-config\n{{ x }}',
  MIME: 'Content-Type: multipart/mixed; boundary="x"\nMIME-Version: 1.0\n', 'exactly the limit': `#!/bin/sh\n${'a'.repeat(maxUserDataBytes - 10)}`,
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
  'a script with windows line ends': ['#!/bin/sh\r\nls\r\n', 1, /dos2unix/],
  'too much': [`#!/bin/sh\n${'a'.repeat(maxUserDataBytes)}`, 1, /at most 262144/],
};
for (const [name, [text, line, says]] of Object.entries(bad)) {
  test(`${name} is refused with line and remedy`, () => {
    const [problem] = checkUserData(text);
    assert.equal(problem?.line, line);
    assert.match(problem?.message ?? '', says);
  });
}
