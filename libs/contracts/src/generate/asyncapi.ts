/** The AsyncAPI 3.0 document of the bus: one channel per event type, sent by its owner, received by who consumes it. */
import type { EventDefinition } from '../define-event.ts';
import { Envelope } from '../envelope.ts';
import type { Manifest } from '../manifest.ts';
import { rackServices } from '../services.ts';

/** The document as JSON text. `version` is the product's. */
export function asyncapiDocument(catalog: readonly EventDefinition[], manifests: readonly Manifest[], version: string): string {
  const document = {
    asyncapi: '3.0.0',
    info: { title: 'Ironbus', version, description: 'Every event on the bus. Subjects are <type>.<rack>.<key>; payloads are CloudEvents 1.0 in structured JSON.' },
    defaultContentType: 'application/cloudevents+json',
    servers: { nats: { host: 'localhost:4222', protocol: 'nats' } },
    channels: Object.fromEntries(catalog.map((event) => [event.type, channel(event)])),
    operations: Object.fromEntries([...catalog.map(send), ...manifests.flatMap(receive)]),
    components: { messages: Object.fromEntries(catalog.map((event) => [event.type, message(event)])) },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function channel(event: EventDefinition): object {
  return {
    address: `${event.type}.{rack}.{key}`, description: `${event.doc} (stream ${event.stream})`,
    parameters: {
      rack: { description: rackServices.includes(event.owner) ? 'the rack it happened on' : 'always "region"' },
      key: { description: `${event.key} key` },
    },
    messages: { [event.type]: { $ref: `#/components/messages/${event.type}` } },
  };
}

const message = (event: EventDefinition): object => ({
  name: event.type, summary: event.doc,
  payload: { allOf: [Envelope, { type: 'object', properties: { type: { const: event.type }, data: event.data } }] },
});

const send = (event: EventDefinition): [string, object] =>
  [`${event.owner}.send.${event.type}`, { action: 'send', channel: { $ref: `#/channels/${event.type}` }, summary: `${event.owner} publishes ${event.type}` }];

const receive = (manifest: Manifest): [string, object][] => manifest.consumes.flatMap(({ durable, events }) => events.map((event): [string, object] =>
  [`${durable}.receive.${event.type}`, { action: 'receive', channel: { $ref: `#/channels/${event.type}` }, summary: `${durable} consumes ${event.type}` }]));
