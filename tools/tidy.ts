/** Judges one source file by the ring law and the shape of files; answers what is wrong with it, in words. */

import { mask, type Masked } from '#tools/masking.ts';
import {
  bannedNames,
  fileLinesMax,
  impureWords,
  pureModules,
  ringOf,
  rings,
  siblingOf,
  type Ring,
} from '#tools/rings.ts';

/** One finding: the place, and what would be right. */
export type Untidy = { readonly path: string; readonly line: number; readonly says: string };

type Source = { readonly path: string; readonly text: string; readonly masked: Masked };
type Import = { readonly specifier: string; readonly line: number };

/** Every finding in one file; an empty list means it is tidy. `path` is relative to the root of the repository. */
export function judge(path: string, text: string): Untidy[] {
  const source: Source = { path, text, masked: mask(text) };
  return [
    ...judgeName(path),
    ...judgeHeader(source),
    ...judgeLength(source),
    ...judgeWords(source),
    ...judgeBarrel(source),
    ...judgePurity(source),
    ...importsOf(source).flatMap((one) => judgeImport(source, one)),
  ];
}

function judgeName(path: string): Untidy[] {
  if (/(?:^|\/)index\.ts$/.test(path)) return [{ path, line: 1, says: 'an index.ts says nothing: name the noun' }];
  const banned = path.split(/[/.-]/).find((word) => bannedNames.includes(word.toLowerCase()));
  return banned === undefined ? [] : [{ path, line: 1, says: `the name "${banned}" is banned: find the noun` }];
}

function judgeHeader({ path, text }: Source): Untidy[] {
  const header = /^(?:#![^\n]*\n)?\/\*\*([\s\S]*?)\*\//.exec(text)?.[1];
  const sentence = header?.replaceAll(/\n\s*\*/g, ' ').trim() ?? '';
  return /^\S+ .*[.!?)]$/s.test(sentence)
    ? []
    : [{ path, line: 1, says: 'the file must open with one sentence in /** … */ that says what it is for' }];
}

function judgeLength({ path, text }: Source): Untidy[] {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines <= fileLinesMax
    ? []
    : [{ path, line: fileLinesMax + 1, says: `${lines} lines; a file has at most ${fileLinesMax}` }];
}

const bannedCode: readonly [RegExp, string][] = [
  [/\bexport\s+default\b|\bas\s+default\b(?=[^;]*\})/g, 'default export: export by name'],
  [/(?:^|[\s;])(?:const\s+|declare\s+)?enum\s+[A-Za-z_$][\w$]*\s*\{/g, 'enum: write a union of literals'],
  [
    /\bconstructor\s*\((?:[^)]*?,)?\s*(?:(?:private|public|protected|readonly|override)\s+)+\w+\s*[?:=,)]/g,
    'parameter property: declare the field',
  ],
  [/\bimport\s*\(\s*`/g, 'import of a computed name: nobody can judge it'],
  [/\bexport\s*\*/g, 'export *: import from the file that has it'],
];

function judgeWords(source: Source): Untidy[] {
  const { path, masked } = source;
  const found = bannedCode.flatMap(([pattern, says]) =>
    [...masked.code.matchAll(pattern)].map((match) => ({ path, line: lineOf(source, match.index), says })),
  );
  for (const { start, text } of masked.comments) {
    // `TODO(issue C): …` names what makes it due; anything else is a wish.
    if (/\b(?:TODO|FIXME|XXX|HACK)\b(?!\([^)]+\): )/.test(text))
      found.push({ path, line: lineOf(source, start), says: 'a TODO names what will make it due: TODO(issue C): …' });
  }
  return found;
}

// A file that only passes on what others export hides where things are.
function judgeBarrel({ path, text, masked }: Source): Untidy[] {
  const passesOn = /\bexport\s+(?:type\s+)?\{[^}]*\}\s*from\b/.test(masked.code);
  const rest = masked.code.replaceAll(/\b(?:export|import)\s+(?:type\s+)?[^;]*?\bfrom\s*(['"])\s*\1\s*;?/g, '').trim();
  return passesOn && rest === '' && text !== ''
    ? [{ path, line: 1, says: 'barrel: import from the file that has it' }]
    : [];
}

function judgePurity(source: Source): Untidy[] {
  const { path, masked } = source;
  if (ringOf(path)?.isPure !== true || isTest(path)) return [];
  return impureWords.flatMap((word) => {
    const match = word.exec(masked.code);
    return match === null
      ? []
      : [{ path, line: lineOf(source, match.index), says: `core has no clock, dice or I/O: "${match[0].trim()}"` }];
  });
}

/** Every module that the source imports: static, re-exported, dynamic, and as a type. */
export function importsOf(source: Source): Import[] {
  const pattern = /\b(?:from\s*(['"])\s*\1|import\s*\(?\s*(['"])\s*\2)/g;
  return [...source.masked.code.matchAll(pattern)].map((match) => {
    const quote = match[1] ?? match[2] ?? "'";
    const start = match.index + match[0].indexOf(quote) + 1;
    return {
      specifier: source.text.slice(start, match.index + match[0].length - 1),
      line: lineOf(source, match.index),
    };
  });
}

function judgeImport(source: Source, { specifier, line }: Import): Untidy[] {
  const { path } = source;
  const wrong = (says: string): Untidy[] => [{ path, line, says }];
  if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..')
    return wrong(`"${specifier}": write #ring/file.ts`);
  const ring = ringOf(path);
  if (!specifier.startsWith('#')) return judgePackage(source, { specifier, line });
  const [alias = '', ...rest] = specifier.slice(1).split('/');
  const target = rings.find((one) => one.name === alias);
  if (target === undefined) return wrong(`"#${alias}" is no ring`);
  if (rest.includes('..') || rest.includes('.')) return wrong(`"${specifier}": no dots in a path`);
  if (!/\.(?:ts|json|js)$/.test(specifier)) return wrong(`"${specifier}": write the extension`);
  if (ring === undefined) return wrong('this file lies in no ring (tools/rings.ts)');
  if (!mayImport({ ring, target, isTest: isTest(path) }))
    return wrong(`${ring.name} may not import ${target.name}: imports point inward (tools/rings.ts)`);
  const [mine, theirs] = [siblingOf(ring, path.slice(ring.folder.length + 1)), siblingOf(target, rest.join('/'))];
  return ring === target && mine !== theirs ? wrong(`siblings do not see each other: ${mine} imports ${theirs}`) : [];
}

function mayImport({ ring, target, isTest }: { ring: Ring; target: Ring; isTest: boolean }): boolean {
  return (
    ring === target || ring.mayImport.includes(target.name) || (isTest && ring.testsMayImport.includes(target.name))
  );
}

function judgePackage({ path }: Source, { specifier, line }: Import): Untidy[] {
  if (ringOf(path)?.isPure !== true || isTest(path) || pureModules.includes(specifier)) return [];
  return [{ path, line, says: `core may not import "${specifier}" (pureModules in tools/rings.ts)` }];
}

function isTest(path: string): boolean {
  return /\.test\.ts$|\/(?:cases|fixtures)\//.test(path);
}

function lineOf({ text }: Source, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
