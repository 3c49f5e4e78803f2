/** One sign-in by a form: password, and the replacement of one that must be replaced. */

import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import type { User } from '#engine/identity/records.ts';
import { changePassword, signInUser } from '#engine/identity/users.ts';
import type { Identity } from '#faces/identity/identity.ts';
import { printable, type Asked } from '#faces/identity/request.ts';

/** What a page shows when it has to ask again. */
export type AskAgain = {
  readonly name: string;
  readonly wantsNewPassword: boolean;
  readonly problem: { readonly message: string; readonly status: number; readonly retryAfterS?: number | undefined };
};

/** Signed in, or the page once more with what was wrong. */
export type FormOutcome = { readonly kind: 'good'; readonly user: User } | ({ readonly kind: 'again' } & AskAgain);

/**
 * Reads name and password (and the new one, when the form has it) and signs in. Whoever has a password that others have
 * seen gets no further than choosing a new one (decision D4.8).
 */
export async function signInByForm(
  identity: Identity,
  { form, source }: Asked,
  { flow, clientId }: { readonly flow: string; readonly clientId: string },
): Promise<FormOutcome> {
  const name = form.get('username') ?? '';
  const told = { flow, source, clientId, name: printable(name) };
  const wanted = form.get('new_password');
  const again = (problem: AskAgain['problem'], wantsNewPassword: boolean): FormOutcome => {
    identity.note({ ...told, outcome: 'refused', because: problem.message });
    return { kind: 'again', name: name.slice(0, 320), wantsNewPassword, problem };
  };
  if (wanted !== form.get('new_password_again'))
    return again({ message: 'The new passwords differ.', status: 400 }, true);
  const signIn = { name, password: new Secret(form.get('password') ?? ''), source };
  try {
    const user =
      wanted === undefined
        ? await signInUser(identity.directory, signIn)
        : await changePassword(identity.directory, { ...signIn, wanted: new Secret(wanted) });
    if (user.mustChangePassword) return again({ message: 'Choose a new password.', status: 403 }, true);
    identity.note({
      ...told,
      outcome: 'signed-in',
      because: wanted === undefined ? 'password' : 'new password',
      oid: user.id,
    });
    return { kind: 'good', user };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { message, status, retryAfterS } = error;
    return again({ message, status: status === 401 ? 403 : status, retryAfterS }, wanted !== undefined);
  }
}
