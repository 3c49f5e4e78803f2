/** The TLS listeners: which versions of TLS they speak, whom they serve under a name, and that they close. */

import { strict as assert } from 'node:assert';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { Secret } from '#base/secret.ts';
import { createAuthority, issueCertificate } from '#main/boot/certificates.ts';
import { closeTls, listenTls } from '#main/boot/listeners.ts';

const now = Date.now();
let opened: Awaited<ReturnType<typeof listenTls>>;
let ca = '';

before(async () => {
  const authority = await createAuthority('test', now);
  ca = authority.certificatePem;
  const issued = await issueCertificate(authority, { names: ['localhost'], now });
  opened = await listenTls({
    host: '127.0.0.1',
    port: 0,
    key: new Secret(issued.keyPem),
    certificate: issued.certificatePem,
    handlerOf: (hostname) => (hostname === 'localhost' ? (_request, response) => response.end('served') : undefined),
  });
});
after(async () => await closeTls(opened.server));

/** The protocol that a client of exactly this version gets, or the code of its failure. */
function spoken(version: SecureVersion): Promise<string | null> {
  return new Promise((resolve) => {
    // Without level 0 our own OpenSSL would refuse the old versions, and the test would say nothing of the server.
    const ciphers = 'DEFAULT:@SECLEVEL=0';
    const options = { host: '127.0.0.1', port: opened.port, servername: 'localhost', ca, ciphers };
    const socket = connect({ ...options, minVersion: version, maxVersion: version }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
}

test('[S2.7] TLS 1.2 and 1.3 are spoken, older versions are turned away at the handshake', async () => {
  assert.equal(await spoken('TLSv1.2'), 'TLSv1.2');
  assert.equal(await spoken('TLSv1.3'), 'TLSv1.3');
  for (const old of ['TLSv1', 'TLSv1.1'] as const) {
    assert.match((await spoken(old)) ?? '', /^ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION$|^ECONNRESET$/, old);
  }
});

function ask(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: opened.port,
      servername: 'localhost',
      ca,
      headers: { host },
      agent: false,
    };
    request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
    })
      .on('error', reject)
      .end();
  });
}

test('a host name that nothing is served under gets a 404, whatever it looks like', async () => {
  assert.equal(await ask('localhost'), '200 served');
  assert.equal(await ask('LOCALHOST:8443'), '200 served');
  for (const host of ['evil.example', 'localhost.evil.example', '', '[::1]', 'localhost:x']) {
    assert.match(await ask(host), /^404 .*UnknownHost/, host);
  }
});

/** The status that a request of exactly these lines gets. */
function raw(lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port: opened.port, servername: 'localhost', ca }, () =>
      socket.write(`${[...lines, 'connection: close'].join('\r\n')}\r\n\r\n`),
    );
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text.split(' ')[1] ?? (text || 'cut off')));
  });
}

// One row: the lines of the request, and the status; what several readers could read in several ways reaches no face.
const hosts: [string[], string][] = [
  [['GET / HTTP/1.1', 'host: localhost'], '200'],
  [['GET / HTTP/1.1', 'host: localhost', 'host: localhost'], '400'],
  [['GET / HTTP/1.1', 'host: localhost', 'host: evil.example'], '400'],
  [['GET / HTTP/1.1', 'Host: evil.example', 'hOST: localhost'], '400'],
  [['GET / HTTP/1.1', 'host: localhost', 'x: y', 'host: localhost', 'host: localhost'], '400'],
  [['GET / HTTP/1.1', 'host: localhost, localhost'], '404'],
  [['GET / HTTP/1.1'], '400'],
  [['GET / HTTP/1.0'], '400'],
];

test('a request with several Host headers, or none, is turned away', async () => {
  for (const [lines, status] of hosts) assert.equal(await raw(lines), status, lines.join(' | '));
});
