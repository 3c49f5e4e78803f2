/** The pages that people see: plain forms, no script, light and dark, in words; everything that varies is escaped. */

import { createHash } from 'node:crypto';
import type { Answer } from '#faces/identity/answer.ts';

/** HTML that is safe to put into HTML. */
type Html = { readonly html: string };

/** A template whose values are escaped unless they are HTML made here. */
function html(parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html {
  const text = (value: string | Html | readonly Html[]): string => {
    if (typeof value === 'string') return escape(value);
    return 'html' in value ? value.html : value.map((item) => item.html).join('');
  };
  return { html: parts.map((part, index) => part + (index < values.length ? text(values[index] ?? '') : '')).join('') };
}

function escape(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (sign) => names[sign] ?? sign);
}

const style = `
:root{color-scheme:light dark;--ink:#1b1b1f;--soft:#55555e;--paper:#fff;--ground:#f2f2f5;--line:#8a8a94;--act:#0b57a4;--on:#fff;--bad:#a4161a}
@media (prefers-color-scheme:dark){:root{--ink:#ececf1;--soft:#b4b4c0;--paper:#1f2026;--ground:#131418;--line:#7c7d8a;--act:#8cc2ff;--on:#0b1a2b;--bad:#ffb3b0}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:.5rem}
h1{margin:0 0 .5rem;font-size:1.4rem;line-height:1.25}
p{margin:.5rem 0;color:var(--soft);overflow-wrap:anywhere}
label{display:block;margin-top:1rem;font-weight:600}
input{width:100%;margin-top:.25rem;padding:.6rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.25rem}
button{margin-top:1.25rem;margin-right:.5rem;padding:.6rem 1.2rem;font:inherit;font-weight:600;border:1px solid var(--act);border-radius:.25rem;background:var(--act);color:var(--on);cursor:pointer}
button.second{background:transparent;color:var(--act)}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
[role=alert]{margin:1rem 0 0;padding:.6rem;border:1px solid var(--bad);border-radius:.25rem;color:var(--bad)}
.code{font:700 1.4rem/1.4 ui-monospace,monospace;letter-spacing:.15em;color:var(--ink)}`;

const styleHash = createHash('sha256').update(style).digest('base64');

type Page = {
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  /** Where the answer to this page's form may redirect to, beside this site. */
  readonly formTarget?: string;
  readonly retryAfterS?: number | undefined;
};

function pageAnswer({ title, body, status = 200, formTarget, retryAfterS }: Page): Answer {
  const form = formTarget === undefined ? "'self'" : `'self' ${formTarget}`;
  const text = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${{ html: style }}</style></head>
<body><main><h1>${title}</h1>${body}</main></body></html>
`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${form}; frame-ancestors 'none'; base-uri 'none'`,
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
    },
    body: text.html,
  };
}

/** What a sign-in page shows beside its fields. */
export type SignInPage = {
  /** Where the form is posted. */
  readonly action: string;
  readonly clientName: string;
  /** Name typed before, or hinted. */
  readonly name: string;
  /** The code that the device shows, when it is a device that signs in. */
  readonly userCode?: string;
  readonly wantsNewPassword: boolean;
  readonly problem?: { readonly message: string; readonly status: number; readonly retryAfterS?: number | undefined };
  readonly formTarget?: string;
};

/** The sign-in page: name and password, and twice the new password when the first one must be replaced. */
export function signInPage(page: SignInPage): Answer {
  const { clientName, userCode, wantsNewPassword, problem } = page;
  const intro =
    userCode === undefined
      ? html`<p>${clientName} on this computer asks to act for you.</p>`
      : html`<p>${clientName} on another device asks to act for you. Go on only if you started it and it shows this code:</p><p class="code">${userCode}</p><input type="hidden" name="user_code" value="${userCode}">`;
  const body = html`<form method="post" action="${page.action}">${intro}
${wantsNewPassword ? html`<p>Your password was given to you and must be replaced before you go on.</p>` : []}
${problem === undefined ? [] : html`<div role="alert">${problem.message}</div>`}
<label for="name">User name</label><input id="name" name="username" value="${page.name}" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">${wantsNewPassword ? 'Current password' : 'Password'}</label><input id="password" name="password" type="password" autocomplete="current-password" required>
${wantsNewPassword ? newPasswordFields : []}
<button type="submit" name="decision" value="approve">${wantsNewPassword ? 'Replace and sign in' : 'Sign in'}</button><button class="second" type="submit" name="decision" value="deny" formnovalidate>Cancel</button></form>`;
  return pageAnswer({
    title: wantsNewPassword ? 'Choose a new password' : 'Sign in',
    body,
    status: problem?.status ?? 200,
    retryAfterS: problem?.retryAfterS,
    ...(page.formTarget === undefined ? {} : { formTarget: page.formTarget }),
  });
}

const newPasswordFields = html`
<label for="wanted">New password</label><input id="wanted" name="new_password" type="password" autocomplete="new-password" required>
<label for="again">New password, again</label><input id="again" name="new_password_again" type="password" autocomplete="new-password" required>`;

/** The page that asks for the code that a device shows (RFC 8628 §3.3). */
export function userCodePage(page: {
  readonly action: string;
  readonly userCode: string;
  readonly problem?: { readonly message: string; readonly status: number; readonly retryAfterS?: number | undefined };
}): Answer {
  const { problem } = page;
  const body = html`<form method="post" action="${page.action}"><p>Type the code that your device or terminal shows.</p>
${problem === undefined ? [] : html`<div role="alert">${problem.message}</div>`}
<label for="code">Code</label><input id="code" name="user_code" value="${page.userCode}" autocomplete="off" autocapitalize="characters" spellcheck="false" required>
<button type="submit">Next</button></form>`;
  return pageAnswer({
    title: 'Sign in a device',
    body,
    status: problem?.status ?? 200,
    retryAfterS: problem?.retryAfterS,
  });
}

/** The end of a device sign-in, either way. */
export function deviceDonePage(isApproved: boolean): Answer {
  return isApproved
    ? pageAnswer({ title: 'Signed in', body: html`<p>Your device is signed in. You can close this window.</p>` })
    : pageAnswer({ title: 'Refused', body: html`<p>The device was not signed in. You can close this window.</p>` });
}

/** The page for a request that may not be answered by a redirect: its client or redirect address is not known. */
export function brokenRequestPage(message: string): Answer {
  return pageAnswer({
    title: 'This sign-in cannot go on',
    body: html`<p>${message}</p><p>Start again from the program that you came from.</p>`,
    status: 400,
  });
}

/** The page after signing out: this provider keeps no browser session, so there is nothing left to end here. */
export function signedOutPage(): Answer {
  return pageAnswer({
    title: 'Signed out',
    body: html`<p>No session is kept in this browser. Programs such as az keep their own: sign out there too (az logout).</p>`,
  });
}
