/** Drives the stamp's sign-in pages as a browser without scripts would: reads a form, fills it, sends it. */

import { request } from 'node:https';
import { isIP } from 'node:net';
import { Fault } from '#base/wrong.ts';
import { addressIn, type Stamp } from '#test/peers/stamp.ts';

export type Page = { readonly status: number; readonly text: string; readonly url: string };

const pageCharactersMax = 1024 * 1024;
const pageWaitMs = 30_000;

/** Opens a page. */
export async function openPage(stamp: Stamp, url: string): Promise<Page> {
  return await send(stamp, url, undefined);
}

/** Sends the form of a page with these fields; its hidden fields and the button named `press` go along. */
export async function sendForm(
  stamp: Stamp,
  page: Page,
  { fields, press }: { readonly fields: Readonly<Record<string, string>>; readonly press?: readonly [string, string] },
): Promise<Page> {
  const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1];
  if (action === undefined) throw new Fault('PageWithoutForm', `The page ${page.url} has no form: ${textOf(page)}`);
  const form = new URLSearchParams();
  for (const [tag] of page.text.matchAll(/<input[^>]*>/g)) {
    const [name, value] = [attribute(tag, 'name'), attribute(tag, 'value')];
    if (name !== undefined && attribute(tag, 'type') === 'hidden') form.set(name, value ?? '');
  }
  for (const [name, value] of Object.entries(fields)) {
    if (!page.text.includes(`name="${name}"`))
      throw new Fault('PageWithoutField', `The page ${page.url} has no field ${name}: ${textOf(page)}`);
    form.set(name, value);
  }
  if (press !== undefined) form.set(...press);
  return await send(stamp, new URL(unescaped(action), page.url).href, form.toString());
}

/** What a person reads on it. */
export function textOf(page: Page): string {
  return page.text
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 500);
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : unescaped(value);
}

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

async function send(stamp: Stamp, url: string, form: string | undefined): Promise<Page> {
  const { hostname, port } = new URL(url);
  const headers = {
    host: port === '' ? hostname : `${hostname}:${port}`,
    accept: 'text/html',
    ...(form === undefined
      ? {}
      : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(form) }),
  };
  return await new Promise((resolve, reject) => {
    const host = addressIn(stamp.hosts, hostname) ?? hostname;
    const address = new URL(url);
    const options = {
      host,
      port: port === '' ? 443 : Number(port),
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      path: `${address.pathname}${address.search}`,
    };
    const method = form === undefined ? 'GET' : 'POST';
    const sent = request({ ...options, method, headers, ca: stamp.ca, timeout: pageWaitMs }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        if (text.length < pageCharactersMax) text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, url }));
    });
    sent.on('timeout', () => sent.destroy(new Fault('PageTooLate', `${url} did not answer in time.`)));
    sent.on('error', reject);
    sent.end(form);
  });
}
