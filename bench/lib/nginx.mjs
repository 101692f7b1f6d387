// One nginx that routes by the flow header: what a mesh's hop costs.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TICK_MICROSECONDS = 10_000;

/** @returns {Promise<{ port: number, cpuMicroseconds: () => number, close: () => void }>} */
export async function startNginx(upstreamPort) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'colorway-nginx-'));
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, upstreamPort, folder));
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const missing = new Promise((_, reject) => {
    child.once('error', () =>
      reject(new Error('This benchmark needs nginx on PATH: "apt-get install nginx-light".')),
    );
  });
  await Promise.race([missing, answers(port)]);
  return {
    port,
    cpuMicroseconds: () =>
      workersOf(child.pid).reduce((sum, pid) => sum + cpuTicks(pid) * TICK_MICROSECONDS, 0),
    close() {
      child.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(port, upstreamPort, folder) {
  return `
daemon off; worker_processes 1; error_log ${folder}/error.log; pid ${folder}/pid;
events { worker_connections 1024; }
http {
  access_log off;
  map $http_x_infr_flowtype $chosen { default baseline; CE_feat-cart colored; }
  upstream baseline { server 127.0.0.1:${upstreamPort}; keepalive 64; }
  upstream colored { server 127.0.0.1:${upstreamPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port}; keepalive_requests 1000000;
    location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://$chosen; }
  }
}`;
}

async function answers(port) {
  for (let tries = 0; tries < 100; tries++) {
    const up = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nginx did not answer within 5 s');
}

function workersOf(parent) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => stat(pid)?.[1] === String(parent));
}

/** utime + stime: fields 14 and 15 of /proc/<pid>/stat. */
function cpuTicks(pid) {
  const fields = stat(pid);
  return fields === undefined ? 0 : Number(fields[11]) + Number(fields[12]);
}

/** The fields behind the command name, which may contain spaces: state, parent, … */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
