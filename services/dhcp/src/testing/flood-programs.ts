/** Starts the programs of a flood test in the clients' namespace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ClientResult } from './flood-client.ts';
import { wire } from './flood-namespaces.ts';

export type Sent = { sent: number; refused: number; seconds: number };
/** `stop` lets a client end its exchange. */
export type Running<T> = { result: Promise<T>; stop(): void };

export const startSender = (kind: 'discover' | 'fuzz', rate: { perSecond: number; seconds: number; seed: number }): Running<Sent> =>
  start<Sent>('flood-sender.ts', [wire.clients, kind, String(rate.perSecond), String(rate.seconds), String(rate.seed)]);

export const startClients = (macs: readonly string[], exchanges: number | 'forever'): Running<ClientResult[]> =>
  start<ClientResult[]>('flood-client.ts', [wire.clients, macs.join(','), String(exchanges)]);

function start<T>(file: string, args: readonly string[]): Running<T> {
  const namespace = process.env['FLOOD_CLIENTS'] ?? '';
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, join(import.meta.dirname, file), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { result: resultOf<T>(child, file), stop: () => { child.kill('SIGTERM'); } };
}

function resultOf<T>(child: ChildProcess, file: string): Promise<T> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as T);
      else reject(new Error(`${file} ended with ${code}: ${output}`));
    });
  });
}
