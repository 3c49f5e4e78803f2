/** The function `format`: .NET's composite formatting of texts and numbers, as far as templates use it. */

import { templateValueSizeMax } from '#base/limits.ts';
import type { Json } from '#base/json.ts';
import { printScalar } from '#template/functions/array.ts';
import { refuseCall, type Call } from '#template/functions/call.ts';

/** Fills `{0}`, `{1,8}` and `{2:D3}` of the pattern; `{{` and `}}` stand for braces. */
export function formatText(call: Call, pattern: string, values: readonly Json[]): string {
  let result = '';
  let at = 0;
  while (at < pattern.length) {
    const brace = pattern.slice(at).search(/[{}]/);
    if (brace < 0) return result + pattern.slice(at);
    result += pattern.slice(at, at + brace);
    at += brace;
    const mark = pattern[at] ?? '';
    if (pattern[at + 1] === mark) {
      result += mark;
      at += 2;
      continue;
    }
    const item = /^\{(\d{1,4})\s*(?:,\s*(-?\d{1,4}))?\s*(?::([^{}]*))?\}/.exec(pattern.slice(at, at + 128));
    if (item === null) throw refuseCall(call.name, 'the format string has a brace that opens or closes nothing.');
    result += fill(call, item, values);
    if (result.length > templateValueSizeMax) throw refuseCall(call.name, 'the result is too long.');
    at += item[0].length;
  }
  return result;
}

function fill(call: Call, [, index = '', width, how]: RegExpExecArray, values: readonly Json[]): string {
  const value = values[Number(index)];
  if (value === undefined)
    throw refuseCall(call.name, `the format string names {${index}}, but only ${values.length} value(s) are given.`);
  const text = typeof value === 'number' && how !== undefined ? formatNumber(call, value, how) : plain(value);
  const columns = Number(width ?? 0);
  return columns < 0 ? text.padEnd(-columns) : text.padStart(columns);
}

function plain(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : printScalar(value);
}

/** .NET's standard numeric formats C (not offered), D, F, N, P, X and G, and the custom form of zeros (`000`). */
function formatNumber(call: Call, value: number, how: string): string {
  if (/^0+$/.test(how)) return signed(value, Math.round(Math.abs(value)).toString().padStart(how.length, '0'));
  const [, letter = '', digits] = /^([A-Za-z])(\d{1,2})?$/.exec(how) ?? [];
  const places = digits === undefined ? undefined : Number(digits);
  switch (letter.toUpperCase()) {
    case 'D':
      return signed(
        value,
        Math.trunc(Math.abs(value))
          .toString()
          .padStart(places ?? 0, '0'),
      );
    case 'F':
      return value.toFixed(places ?? 2);
    case 'N':
      return grouped(value.toFixed(places ?? 2));
    case 'P':
      return `${grouped((value * 100).toFixed(places ?? 2))} %`;
    case 'G':
      return String(value);
    case 'X': {
      const hex = BigInt.asUintN(64, BigInt(Math.trunc(value)))
        .toString(16)
        .padStart(places ?? 0, '0');
      return letter === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      throw refuseCall(call.name, `the number format '${how}' is not known; D, F, G, N, P, X and zeros are.`);
  }
}

function signed(value: number, digits: string): string {
  return value < 0 ? `-${digits}` : digits;
}

function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const withCommas = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? withCommas : `${withCommas}.${fraction}`;
}
