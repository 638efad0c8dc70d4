import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readLines, readStanzas } from '../../../scripts/fetch-nats.mjs';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

test('deb822 sources: comments, several suites, disabled and source-only stanzas', () => {
  const text = `# local\nTypes: deb\n# note\nURIs: http://mirror.test/debian/\nSuites: bookworm\n bookworm-updates\nSigned-By: /k.gpg\n\nTypes: deb-src\nURIs: http://src.test/debian\nSuites: bookworm\n
Types: deb\nEnabled: no\nURIs: http://off.test/debian\nSuites: trixie\n\nTypes: deb deb-src\nURIs: http://b.test/debian\nSuites: trixie\n`;
  assert.deepEqual(readStanzas(text), [
    { mirror: 'http://mirror.test/debian/', suite: 'bookworm', keyring: '/k.gpg' },
    { mirror: 'http://b.test/debian', suite: 'trixie', keyring },
  ]);
});

test('one-line sources', () => {
  const text = '# deb http://no.test x main\ndeb-src http://src.test/debian trixie main\n deb [arch=amd64 signed-by=/k.gpg] https://m.test/debian trixie main\ndeb http://n.test/debian sid main\n';
  assert.deepEqual(readLines(text), [
    { mirror: 'https://m.test/debian', suite: 'trixie', keyring: '/k.gpg' },
    { mirror: 'http://n.test/debian', suite: 'sid', keyring },
  ]);
});
