/** The process behind `startSink`: answers every POST and PUT with 200, and writes one JSON line for each to standard output. */
import { createServer } from 'node:http';

const [address = '127.0.0.1', port = '8080'] = process.argv.slice(2);

const server = createServer((request, response) => {
  const atMs = Date.now();
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { method, url } = request;
    const body = Buffer.concat(parts).toString('utf8').slice(0, 16_384);
    if (method === 'POST' || method === 'PUT') {
      process.stdout.write(`${JSON.stringify({ atMs, from: request.socket.remoteAddress, method, path: url, body })}\n`);
    }
    response.writeHead(method === 'POST' || method === 'PUT' ? 200 : 405, { 'content-type': 'application/json' }).end('{"ok":true}\n');
  });
});
server.listen(Number(port), address, () => process.stdout.write('listening\n'));
