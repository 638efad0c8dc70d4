/** nginx as Debian configures it (worker_processes auto, sendfile, tcp_nopush), without its access log, over a directory. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../libs/testkit/src/redis.ts';
import { type Say, unpackPackage } from '../../tests/lab/harness/packages.ts';
import { untilAnswers, type Web } from './web.ts';

const config = (port: number, files: string, state: string): string => `
worker_processes auto;
daemon off;
pid ${state}/nginx.pid;
error_log stderr crit;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path ${state}/body; proxy_temp_path ${state}/proxy; fastcgi_temp_path ${state}/fastcgi; uwsgi_temp_path ${state}/uwsgi; scgi_temp_path ${state}/scgi;
  server { listen 127.0.0.1:${port}; root ${files}; }
}
`;

export async function startNginx(files: string, state: string, { cacheDir, say }: { cacheDir: string; say: Say }): Promise<Web> {
  const program = join(await unpackPackage('nginx', join(cacheDir, 'unpacked'), say), 'usr/sbin/nginx');
  const port = await freePort();
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'nginx.conf'), config(port, files, state));
  const child = spawn(program, ['-e', 'stderr', '-p', state, '-c', join(state, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.once('exit', () => child.kill('SIGTERM'));
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/`, child);
  const version = spawnSync(program, ['-v'], { encoding: 'utf8' }).stderr.trim();
  return { name: 'nginx', version, url, pid: child.pid ?? 0, stop: async () => void (child.kill('SIGTERM')) };
}
