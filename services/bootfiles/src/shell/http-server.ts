/** Node's HTTP server as loaders, fuzzers and a shell's `nc` need it, below what is routed. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { SpelledResponse } from './spelled-response.ts';

type Answer = (request: IncomingMessage, response: SpelledResponse) => void;

/** A request may take as long as it takes: installers upload over slow links. */
export function openHttpServer(answer: Answer): Server {
  const server: Server & { httpAllowHalfOpen?: boolean } = createServer({ ServerResponse: SpelledResponse, keepAliveTimeout: 30_000 }, oneByOne((request, response) => {
    if (hostsOf(request) <= 1) return answer(request, response);
    response.statusCode = 400;
    response.setHeader('content-type', type).setHeader('connection', 'close').end(bodyOf('the request names two hosts: send one Host header (RFC 9112 §3.2)'));
  }));
  server.requestTimeout = 0;
  // Who says with FIN that no request follows (`printf … | nc -N`) still waits for the answer. Node ends such connections unless told; it has the property without a document.
  server.httpAllowHalfOpen = true;
  return server;
}

/** Debian's apt has ten under way, which is the most of what we know. */
const mostWaiting = 256;

/**
 * Pipelined requests are begun one after the other: each has an open file and a buffer, and one connection can bring thousands in a packet.
 * Node gives a response its socket when its turn comes. Whoever sends on and on and takes no answer is cut off (RFC 9112 §9.3.2: they may ask again).
 */
function oneByOne(answer: Answer): Answer {
  const waiting = new WeakMap<Socket, number>();
  return (request, response) => {
    if (response.socket !== null) return answer(request, response);
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    if (count > mostWaiting) return void socket.destroy();
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      setImmediate(answer, request, response); // Node is still handing the socket over
    });
  };
}

/** Node keeps the first and drops the others. */
const hostsOf = ({ rawHeaders }: IncomingMessage): number =>
  rawHeaders.reduce((count, name, index) => index % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host' ? count + 1 : count, 0);

const type = 'application/json; charset=utf-8';
const bodyOf = (message: string): string => JSON.stringify({ error: { code: 'REQUEST_INVALID', message } });
const unreadable: Record<string, [status: string, message: string]> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the request line and its headers have more than 16 KiB: ask by a shorter path, with fewer headers'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not arrive within a minute: send it again'],
};

/** Says why bytes were no request, unless an answer is on its way: nothing may come between its bytes. */
export function answerUnreadable(error: Error & { code?: string; reason?: string }, socket: Socket): void {
  const busy = (socket as { _httpMessage?: { _headerSent?: boolean } | null })._httpMessage?._headerSent === true;
  if (error.code !== 'ECONNRESET' && socket.writable && !busy) {
    const [status, message] = unreadable[error.code ?? ''] ?? ['400 Bad Request', `this is no HTTP/1.1 request${error.reason === undefined ? '' : ` (${error.reason})`}: http, not https, and lines that end in CR LF`];
    const body = bodyOf(message);
    socket.write(`HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  }
  socket.destroy(error);
}
