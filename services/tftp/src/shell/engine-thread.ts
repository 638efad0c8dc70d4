/** The thread of `engine.ts`. Its own event loop never turns: messages are taken when the eventfd says that there are some. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { Engine, type ToEngine } from './engine.ts';
import { openNative } from './native.ts';

export type ThreadData = { sockets: readonly number[]; wakeup: number; stranger: Uint8Array; inbox: MessagePort };

const { sockets, wakeup, stranger, inbox } = workerData as ThreadData;
const opened = openNative();
if (!opened.ok) throw new Error(opened.why);
new Engine({
  native: opened.libc, sockets, wakeup, stranger,
  next: () => receiveMessageOnPort(inbox)?.message as ToEngine | undefined,
  tell: (message) => parentPort?.postMessage(message),
}).run();
inbox.close();
