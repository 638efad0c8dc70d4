/** What makes two requests the same one. */
import { createHash } from 'node:crypto';
import type { EventId } from '@ironbus/contracts';

/** The id of the event that a user's Idempotency-Key stands for; lower-case hex, since it becomes part of bucket keys. */
export const keyedRequestId = (user: string, key: string): EventId =>
  createHash('sha256').update(`${user}\n${key}`).digest('hex').slice(0, 32) as EventId;

/** The key salts the hash: a body may hold a password that could be guessed from an unsalted one. */
export const requestHash = (key: string, request: { method: string; url: string; body: unknown }): string =>
  createHash('sha256').update(`${key}\n${request.method} ${request.url}\n${JSON.stringify(request.body ?? null)}`).digest('hex');
