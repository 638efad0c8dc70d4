import { Type } from 'typebox';
import { defineConfig, DurationInMs, PortNumber, type ConfigOf } from '@ironbus/runtime';
import { largestWindow } from './core/transfer.ts';

export const configSpec = defineConfig({
  prefix: 'TFTP_',
  shared: ['natsServers', 'natsCredsFile', 'rackId', 'logLevel', 'healthHost', 'instanceId'],
  fields: {
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5262, doc: 'Port of /healthz, /readyz and /metrics; 0 takes any free one.' },
    host: { env: 'HOST', schema: Type.String({ minLength: 1, description: 'an IPv4 address' }), default: '0.0.0.0', doc: 'Where read requests are heard.' },
    port: { env: 'PORT', schema: PortNumber, default: 69, doc: 'UDP port of read requests.' },
    assetsDir: { env: 'ASSETS_DIR', schema: Type.String({ minLength: 1, description: 'a path' }), default: './.cache/assets', doc: 'What agent/build.ts built: the loaders and their manifest.' },
    bootfilesUrl: { env: 'BOOTFILES_URL', schema: Type.String({ pattern: '^http://[^/]+$', description: 'a URL such as http://127.0.0.1:5248' }), default: 'http://127.0.0.1:5248', doc: 'The rack’s bootfiles, which renders what is different for each machine; it must trust the address this service asks from (BOOTFILES_TRUSTED_PROXIES).' },
    bootfilesTimeoutMs: { env: 'BOOTFILES_TIMEOUT', schema: DurationInMs({ minimum: 50, maximum: 30_000 }), default: 2000, doc: 'How long bootfiles is waited for before the machine is told to try again.' },
    singlePort: { env: 'SINGLE_PORT', schema: Type.Boolean(), default: false, doc: 'Replies come from the port requests are heard on, for NAT and container networks; else transfers have other ports than requests.' },
    nativeIo: { env: 'NATIVE_IO', schema: Type.Boolean(), default: true, doc: 'Many packets in one system call, by a thread of its own; false, one port, or a host without koffi: the slower sockets of Node.' },
    maxBlockBytes: { env: 'MAX_BLOCK_BYTES', schema: Type.Integer({ minimum: 512, maximum: 65_464 }), default: 1468, doc: 'Largest blksize agreed to; above 1468 an Ethernet packet is cut into fragments.' },
    maxWindowBlocks: { env: 'MAX_WINDOW_BLOCKS', schema: Type.Integer({ minimum: 1, maximum: largestWindow }), default: 16, doc: 'Largest windowsize agreed to; with more than half of the block numbers an old ACK would look like a new one.' },
    retransmitSeconds: { env: 'RETRANSMIT_SECONDS', schema: Type.Number({ minimum: 0.05, maximum: 60 }), default: 1, doc: 'How long to wait for an ACK before the first repetition; doubled each time, at most 8 times this.' },
    maxTries: { env: 'MAX_TRIES', schema: Type.Integer({ minimum: 1, maximum: 100 }), default: 6, doc: 'Repetitions without an answer until a client counts as gone.' },
    maxTransfers: { env: 'MAX_TRANSFERS', schema: Type.Integer({ minimum: 1, maximum: 100_000 }), default: 4096, doc: 'Transfers at a time; requests beyond are left for the client to repeat.' },
  },
});
export type TftpConfig = ConfigOf<typeof configSpec>;
