/**
 * Digests of plain data.
 *
 * DG1  Equal data (by content; fields of objects in any order) has equal digests in every process; data that differs in a
 *      value, a type, an order of elements or a nesting has another one.
 * DG2  What has no content to compare (functions, symbols, promises, cycles) is refused with `DATA_UNSUPPORTED`.
 */
import { createHash, type Hash } from 'node:crypto';
import { graphError } from './graph-error.js';

const depthMax = 64;
const flushLength = 16 * 1_024;

/** SHA-256 of `data`, 64 hex digits. `where` names the operator in errors. */
export function digestOf(data: unknown, where: string): string {
  const digest = new Digest(where);
  digest.add(data, 0);
  return digest.end();
}

class Digest {
  private readonly hash: Hash = createHash('sha256');
  private text = '';
  private readonly where: string;

  constructor(where: string) {
    this.where = where;
  }

  end(): string {
    return this.hash.update(this.text).digest('hex');
  }

  /** Every value is a tag, its content, and an end that the content cannot hold. */
  add(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.write(JSON.stringify(value));
      case 'number':
        return this.write(Object.is(value, -0) ? '-0;' : `${value};`);
      case 'bigint':
        return this.write(`${value}n;`);
      case 'boolean':
        return this.write(value ? 't' : 'f');
      case 'undefined':
        return this.write('u');
      case 'object':
        return value === null ? this.write('z') : this.addObject(value, depth + 1);
      default:
        throw this.unsupported(typeof value);
    }
  }

  private addObject(value: object, depth: number): void {
    if (depth > depthMax) throw this.unsupported(`structure deeper than ${depthMax} levels, or one that holds itself,`);
    if (Array.isArray(value)) return this.addAll('[', value, ']', depth);
    if (ArrayBuffer.isView(value))
      return this.addBytes(value.constructor.name, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    if (value instanceof ArrayBuffer) return this.addBytes('ArrayBuffer', new Uint8Array(value));
    if (value instanceof Date) return this.write(`d${value.getTime()};`);
    if (value instanceof Map) return this.addAll('M', [...value].flat(1), ']', depth);
    if (value instanceof Set) return this.addAll('S', [...value], ']', depth);
    const tag = Object.prototype.toString.call(value);
    if (tag !== '[object Object]') throw this.unsupported(tag.slice('[object '.length, -1));
    this.addFields(value as Readonly<Record<string, unknown>>, depth);
  }

  private addAll(open: string, values: readonly unknown[], close: string, depth: number): void {
    this.write(open);
    for (const value of values) this.add(value, depth);
    this.write(close);
  }

  private addFields(value: Readonly<Record<string, unknown>>, depth: number): void {
    this.write('{');
    for (const field of Object.keys(value).sort()) {
      this.write(JSON.stringify(field));
      this.add(value[field], depth);
    }
    this.write('}');
  }

  private addBytes(kind: string, bytes: Uint8Array): void {
    this.write(`b${kind === 'Buffer' ? 'Uint8Array' : kind}:${bytes.length};`);
    this.hash.update(this.text).update(bytes);
    this.text = '';
  }

  private write(text: string): void {
    this.text += text;
    if (this.text.length < flushLength) return;
    this.hash.update(this.text);
    this.text = '';
  }

  private unsupported(kind: string): Error {
    return graphError('DATA_UNSUPPORTED', `Data that is part of the job holds a ${kind}, whose content cannot be compared.`, {
      where: this.where,
      hint: 'Use plain data here; functions belong into operators.',
    });
  }
}
