/** The guest's password hash against what glibc and OpenSSL print for the same input. */

import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, isPasswordHash, isPasswordOf } from '#model/compute/password-hash.ts';

// Password, salt, hash. Printed by glibc's crypt(3) and `openssl passwd -6`.
const rows: readonly [password: string, salt: string, hash: string][] = [
  [
    'Hello world!',
    'saltstring',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  ['', 'x', '$6$x$QSmr1Bx2g4O6BzKvdkgOcyU6H91X6I/XBv5pSalMhSPkwdH6Beo3F455xZJg0v//bxVK5F4OE5k1.0xuR26MK0'],
  ['a', 'ab./', '$6$ab./$f95Zy/wxs7u6sFOj0O17A/15y90CQPCsHsQK3n53v/Oju0spL8/ryafAuLGyxC9xTdD38PMvmD88Jc2zs5QK30'],
  [
    'p4ssw0rd, naïve and longer than sixty-four bytes so that the digest wraps around once',
    '0123456789abcdef',
    '$6$0123456789abcdef$K6sIVJgBFoJACcpBMnNu8FhAFpj4SlyX0vrYog66sMibtN7jwl4ObGLZJOG6FGRjFPR.8.K/gwl6XSaONe4FU/',
  ],
];

test('the hash is the one that crypt(3) spells, and its password is known again', () => {
  for (const [password, salt, hash] of rows) {
    equal(hashPassword(password, salt), hash);
    equal(isPasswordOf(password, hash), true);
    equal(isPasswordOf(`${password} `, hash), false);
    equal(isPasswordHash(hash), true);
  }
});

test('a salt is cut to the sixteen characters that crypt(3) reads', () => {
  equal(hashPassword('a', '0123456789abcdefXYZ'), hashPassword('a', '0123456789abcdef'));
});

test('isPasswordHash refuses what is no hash or could break a line of shadow', () => {
  for (const text of ['', 'hunter2', '*', '!', '$6$salt$short', '$1$abc$1234567890123456789012', '$6$a$b:c\nroot::0'])
    equal(isPasswordHash(text), false, text);
  equal(isPasswordHash(`${hashPassword('x', 'abc')}\nevil::0:0:::`), false);
  equal(isPasswordHash('$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7'), true);
});
