/** The face of the dhcp service; frames, packet sockets and quick sending are for apps/sim, which is on the wire's other end. */
export { bootDocument } from './core/boot-document.ts';
export { serverAnswers } from './core/socket-filter.ts';
export { broadcastFrame, readUdpFrame } from './core/udp-frame.ts';
export { configSpec, type DhcpConfig } from './config.ts';
export { manifest } from './manifest.ts';
export { create, type DhcpService } from './service.ts';
export { openPacketSocket } from './shell/packet-socket.ts';
export { senderOf } from './shell/socket.ts';
