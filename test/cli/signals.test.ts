import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkTun } from '../../src/lib/net/tun-descriptor.js';
import { bin, cleanEnvironment } from './run.js';

const reason = await checkTun().then(
  () => undefined,
  (error: Error) => error.message,
);
if (reason !== undefined) console.warn(`Skipped, connect asks nobody here: ${reason}`);

/** A gateway that says nothing, on loopback. */
let silent: Socket;
let child: ChildProcess | undefined;

beforeEach(async () => {
  silent = createSocket('udp4');
  silent.bind(0, '127.0.0.1');
  await once(silent, 'listening');
});

afterEach(() => {
  silent.close();
  child?.kill('SIGKILL');
});

function connect(format: string): ChildProcess {
  const { port } = silent.address() as AddressInfo;
  child = spawn(
    process.execPath,
    [
      bin,
      'connect',
      '127.0.0.1',
      '--port',
      String(port),
      '--nat-port',
      String(port),
      '--psk-stdin',
      '--format',
      format,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: cleanEnvironment() },
  );
  child.stdin?.end('key');
  return child;
}

describe.skipIf(reason !== undefined)('a signal while the gateway is silent', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends connect with 130 and no error',
    async (signal) => {
      const command = connect('text');
      let errors = '';
      command.stderr?.setEncoding('utf8').on('data', (text: string) => {
        errors += text;
      });
      await once(silent, 'message');
      command.kill(signal);
      expect(await once(command, 'close')).toEqual([130, null]);
      expect(errors).not.toContain('error');
    },
  );
});

it('a signal while the key is awaited on standard input ends connect', async () => {
  const command = spawn(
    process.execPath,
    [bin, 'connect', '127.0.0.1', '--psk-stdin', '--format', 'ndjson', '--verbose'],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: cleanEnvironment(),
    },
  );
  child = command;
  let output = '';
  command.stdout.on('data', (chunk) => {
    output += chunk;
  });
  command.stdin.write('half a key');
  const [said] = await once(command.stderr, 'data');
  expect(String(said)).toContain('waiting for the pre-shared key');
  command.kill('SIGTERM');
  expect(await once(command, 'close')).toEqual([130, null]);
  expect(output).toBe('');
});

it('a reader that goes away ends the demonstration quietly', async () => {
  const command = spawn(process.execPath, [bin, 'demo'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: cleanEnvironment(),
  });
  child = command;
  let errors = '';
  command.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await once(command.stdout, 'data');
  command.stdout.destroy();
  expect(await once(command, 'close')).toEqual([0, null]);
  expect(errors).toBe('');
});
