import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderIndex, sliceExtents, treePath, type Extent } from './tree.ts';

test('a path above the disc or with a NUL is none', () => {
  assert.deepEqual(['..', 'a/../../b', '../x', './..', 'a//../..', 'a\0b'].map(treePath), Array(6).fill(undefined));
});

test('dot segments within the disc are followed', () => {
  assert.deepEqual(['a/b c/..d', 'a/../b', 'a/b/../../c/./d', 'a/..', '', '...', 'a/b/'].map(treePath), ['a/b c/..d', 'b', 'c/d', '', '', '...', 'a/b']);
});

test('a slice of extents is that slice of their bytes', () => {
  const bytes = Array.from({ length: 200 }, (_, n) => n);
  const read = (extents: readonly Extent[]): number[] => extents.flatMap(({ offset, length }) => bytes.slice(offset, offset + length));
  const extent = fc.record({ offset: fc.nat({ max: 150 }), length: fc.nat({ max: 50 }) });
  fc.assert(fc.property(fc.array(extent, { maxLength: 6 }), fc.nat({ max: 300 }), fc.nat({ max: 300 }), (extents, start, end) => {
    const slice = sliceExtents(extents, start, end);
    assert.deepEqual(read(slice), read(extents).slice(start, Math.max(start, end)));
    assert.ok(slice.every(({ length }) => length > 0));
  }));
});

test('an index: what is HTML or URL in a name is neither', () => {
  const html = renderIndex('a<b/', [{ name: 'x "y" & <z>', isDirectory: false }, { name: 'http:', isDirectory: true }]);
  assert.match(html, /<title>Index of \/a&lt;b\/<\/title>/);
  assert.match(html, /<a href="\.\/x%20%22y%22%20%26%20%3Cz%3E">x &quot;y&quot; &amp; &lt;z&gt;<\/a>\n<a href="\.\/http%3A\/">http:\/<\/a>/);
  assert.match(html, /href="\.\.\/"/);
});
