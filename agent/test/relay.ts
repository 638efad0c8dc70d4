/** One guest connection passed on to a port of this machine's loopback: what QEMU's `guestfwd` runs, on a restricted network. */
import { connect } from 'node:net';

const socket = connect({ port: Number(process.argv[2]), host: '127.0.0.1', allowHalfOpen: true });
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('end', () => { process.stdout.write('', () => process.exit(0)); });
socket.on('error', () => process.exit(1));
