/** Functions on strings: cutting, joining, encoding, formatting. */

import { templateValueSizeMax } from '#base/limits.ts';
import { isObject, type Json } from '#base/json.ts';
import { guidOf, uniqueString } from '#template/hash.ts';
import { parseJson } from '#template/functions/object.ts';
import { printScalar } from '#template/functions/array.ts';
import { formatText } from '#template/functions/format.ts';
import {
  anyAt,
  arrayAt,
  define,
  intAt,
  refuseArgument,
  refuseCall,
  textAt,
  textOr,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

/** Azure docs, "String functions". Those that also take arrays are in the array family. */
export const stringFunctions: readonly TemplateFunction[] = [
  define('base64', [1, 1], (call) => Buffer.from(textAt(call, 0), 'utf8').toString('base64')),
  define('base64tostring', [1, 1], (call) => decodeBase64(call, textAt(call, 0))),
  define('base64tojson', [1, 1], (call) => parseJson(call, decodeBase64(call, textAt(call, 0)))),
  define(
    'datauri',
    [1, 1],
    (call) => `data:text/plain;charset=utf8;base64,${Buffer.from(textAt(call, 0)).toString('base64')}`,
  ),
  define('datauritostring', [1, 1], dataUriToString),
  define('endswith', [2, 2], (call) => textAt(call, 0).toLowerCase().endsWith(textAt(call, 1).toLowerCase())),
  define('startswith', [2, 2], (call) => textAt(call, 0).toLowerCase().startsWith(textAt(call, 1).toLowerCase())),
  define('format', [1, Infinity], (call) => formatText(call, textAt(call, 0), call.args.slice(1))),
  define('guid', [1, Infinity], (call) => guidOf(call.args.map((_, index) => textAt(call, index)))),
  define('uniquestring', [1, Infinity], (call) => uniqueString(call.args.map((_, index) => textAt(call, index)))),
  define('join', [2, 2], join),
  define('padleft', [2, 3], padLeft),
  define('replace', [3, 3], replace),
  define('split', [2, 2], split),
  define('string', [1, 1], (call) => print(anyAt(call, 0))),
  define('substring', [2, 3], substring),
  define('tolower', [1, 1], (call) => textAt(call, 0).toLowerCase()),
  define('toupper', [1, 1], (call) => textAt(call, 0).toUpperCase()),
  define('trim', [1, 1], (call) => textAt(call, 0).trim()),
  define('uri', [2, 2], uri),
  define('uricomponent', [1, 1], uriComponent),
  define('uricomponenttostring', [1, 1], uriComponentToString),
];

function decodeBase64(call: Call, text: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw refuseArgument(call, 0, 'a base64 encoded string');
  }
  return Buffer.from(text, 'base64').toString('utf8');
}

function dataUriToString(call: Call): Json {
  const text = textAt(call, 0);
  const comma = text.indexOf(',');
  if (!text.startsWith('data:') || comma < 0) throw refuseArgument(call, 0, 'a data URI');
  const content = text.slice(comma + 1);
  return text.slice(0, comma).endsWith(';base64') ? decodeBase64(call, content) : decodePercent(call, content);
}

function join(call: Call): Json {
  const items = arrayAt(call, 0);
  const delimiter = textAt(call, 1);
  if (items.length * delimiter.length > templateValueSizeMax) throw refuseCall(call.name, 'the result is too long.');
  return items
    .map((item) => {
      if (typeof item === 'string') return item;
      if (typeof item === 'number' || typeof item === 'boolean') return printScalar(item);
      throw refuseArgument(call, 0, 'an array of strings or integers');
    })
    .join(delimiter);
}

function padLeft(call: Call): Json {
  const value = anyAt(call, 0);
  const text = typeof value === 'number' ? String(value) : textAt(call, 0);
  const [width, fill] = [intAt(call, 1), textOr(call, 2, ' ')];
  if (fill.length !== 1) throw refuseArgument(call, 2, 'one character');
  if (width < 0 || width > templateValueSizeMax) throw refuseCall(call.name, 'the length is out of range.');
  return text.padStart(width, fill);
}

function replace(call: Call): Json {
  const [text, old, young] = [textAt(call, 0), textAt(call, 1), textAt(call, 2)];
  if (old === '') throw refuseArgument(call, 1, 'a string that is not empty');
  const parts = text.split(old);
  if (parts.length * young.length > templateValueSizeMax) throw refuseCall(call.name, 'the result is too long.');
  return parts.join(young);
}

function split(call: Call): Json {
  const text = textAt(call, 0);
  const second = anyAt(call, 1);
  const delimiters = Array.isArray(second) ? second : [second];
  let parts = [text];
  for (const delimiter of delimiters) {
    if (typeof delimiter !== 'string' || delimiter === '') {
      throw refuseArgument(call, 1, 'a string that is not empty, or an array of such strings');
    }
    parts = parts.flatMap((part) => part.split(delimiter));
  }
  return parts;
}

/** A value as text, the way `string()` gives it: objects and arrays as JSON. */
function print(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (Array.isArray(value) || isObject(value)) return JSON.stringify(value);
  return printScalar(value as number | boolean);
}

function substring(call: Call): Json {
  const [text, start] = [textAt(call, 0), intAt(call, 1)];
  const count = call.args.length > 2 ? intAt(call, 2) : text.length - start;
  if (start < 0 || start > text.length) throw refuseCall(call.name, 'argument 2, the start, is outside of the string.');
  if (count < 0 || start + count > text.length) {
    throw refuseCall(
      call.name,
      `the start and the length must name a place within the string of ${text.length} characters.`,
    );
  }
  return text.slice(start, start + count);
}

function uri(call: Call): Json {
  const url = URL.parse(textAt(call, 1), textAt(call, 0));
  if (url === null) throw refuseArgument(call, 0, 'an absolute URI');
  return url.href;
}

function uriComponent(call: Call): Json {
  const text = textAt(call, 0);
  if (!text.isWellFormed()) throw refuseArgument(call, 0, 'a string of whole Unicode characters');
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function uriComponentToString(call: Call): Json {
  return decodePercent(call, textAt(call, 0));
}

function decodePercent(call: Call, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuseArgument(call, 0, 'a URI encoded string');
  }
}
