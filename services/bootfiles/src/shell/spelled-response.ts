/**
 * Answers whose length every loader can read. GRUB compares header names letter by letter and knows `Content-Length` in this
 * spelling only (GRUB 2.12, net/http.c, parse_line), although HTTP says that case does not matter (RFC 9110 §5.1). Without it a file
 * has no size, and under Secure Boot GRUB refuses it: "big file signature isn't implemented yet" (seen: Debian 13's signed GRUB under
 * OVMF, which then took the kernel by TFTP). Node keeps the spelling it is given; Fastify gives lower case.
 */
import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';

export class SpelledResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return super.setHeader(spelled(name), value);
  }

  /** Headers as a list are written as they are. */
  override writeHead(...given: [statusCode: number, ...unknown[]]): this {
    const [statusCode, ...rest] = given;
    if (Array.isArray(rest[0])) return super.writeHead(statusCode, rest[0] as string[]);
    const headers = rest.find((one): one is OutgoingHttpHeaders => typeof one === 'object' && one !== null && !Array.isArray(one));
    const named = headers && Object.fromEntries(Object.entries(headers).map(([name, value]) => [spelled(name), value]));
    const message = rest.find((one) => typeof one === 'string');
    return message === undefined ? super.writeHead(statusCode, named) : super.writeHead(statusCode, message, named);
  }
}

const spelled = (name: string): string => name.toLowerCase() === 'content-length' ? 'Content-Length' : name;
