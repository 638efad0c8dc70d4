/** What tests stand on: real servers on free ports, a clock that stands still, and waiting for conditions. */
export { canRunContainers, startNatsContainer, startRedisContainer, type TestServer } from './containers.ts';
export { startNats } from './nats-server.ts';
export { freePort, startRedis } from './redis.ts';
export { simulatedClock } from './simulated-clock.ts';
export { unpackedProgram } from './unpacked-program.ts';
export { waitFor } from './wait-for.ts';
