import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buckets, catalog, schemaFiles, services, statusCodes } from './index.ts';

test('no event type twice, each owned by a service that exists', () => {
  assert.equal(new Set(catalog.map((event) => event.type)).size, catalog.length);
  for (const event of catalog) assert.ok(services.includes(event.owner), event.type);
});

test('every type’s documentation says something', () => {
  for (const event of catalog) assert.ok(event.doc.length > 10, event.type);
});

test('no bucket twice', () => assert.equal(new Set(buckets.map((bucket) => bucket.bucket)).size, buckets.length));

test('MAAS’s 23 statuses with its codes', () => {
  assert.deepEqual(Object.values(statusCodes).sort((a, b) => a - b), Array.from({ length: 23 }, (_, code) => code));
});

test('schemas are plain JSON Schema documents', () => {
  for (const [name, text] of schemaFiles(catalog)) {
    const schema = JSON.parse(text) as Record<string, unknown>;
    assert.equal(schema['type'], 'object', name);
    assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema', name);
  }
});

test('nothing in an event’s schema is called a password or a secret', () => {
  for (const [name, text] of schemaFiles(catalog)) assert.doesNotMatch(text, /"(password|secret|privateKey|userData)"/, name);
});
