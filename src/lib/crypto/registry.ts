import { encrTransforms } from './encr.js';
import { integTransforms } from './integ.js';
import { keTransforms } from './ke.js';
import { prfTransforms } from './prf.js';
import {
  type EncrTransform,
  type EsnTransform,
  type IntegTransform,
  type KeTransform,
  type PrfTransform,
  type TransformRow,
  TransformType,
} from './transform.js';

function esn(id: number, name: string, reference: string, keyword?: string): EsnTransform {
  return {
    type: TransformType.ESN,
    id,
    name,
    reference,
    ikeLevel: 'unlisted',
    espLevel: 'unlisted',
    offered: keyword !== undefined,
    ...(keyword !== undefined && { keyword }),
  };
}

/** Transform type 5 with the names of RFC 9827. */
const esnTransforms: readonly EsnTransform[] = [
  esn(0, '32-bit Sequential Numbers', 'RFC 9827', 'noesn'),
  esn(1, 'Partially Transmitted 64-bit Sequential Numbers', 'RFC 9827', 'esn'),
  esn(2, '32-bit Unspecified Numbers', 'RFC 9827'),
];

const rowsByType: ReadonlyMap<number, readonly TransformRow[]> = new Map<number, readonly TransformRow[]>([
  [TransformType.ENCR, encrTransforms],
  [TransformType.PRF, prfTransforms],
  [TransformType.INTEG, integTransforms],
  [TransformType.KE, keTransforms],
  [TransformType.ESN, esnTransforms],
]);

const typeNames: Readonly<Record<number, string>> = {
  1: 'ENCR',
  2: 'PRF',
  3: 'INTEG',
  4: 'KE',
  5: 'SN',
  6: 'ADDKE1',
  7: 'ADDKE2',
  8: 'ADDKE3',
  9: 'ADDKE4',
  10: 'ADDKE5',
  11: 'ADDKE6',
  12: 'ADDKE7',
  13: 'KWA',
  14: 'GCAUTH',
};

/** The row of an encryption algorithm (transform type 1); undefined for an id IANA has not assigned. */
export const encrTransform = finder(encrTransforms);
/** The row of a pseudorandom function (transform type 2). */
export const prfTransform = finder(prfTransforms);
/** The row of an integrity algorithm (transform type 3). */
export const integTransform = finder(integTransforms);
/** The row of a key exchange method (transform type 4, and 6 to 12 of RFC 9370). */
export const keTransform = finder(keTransforms);
/** The row of a kind of sequence numbers (transform type 5). */
export const esnTransform = finder(esnTransforms);

/** All rows of a transform type, by ascending id; empty for a type without rows. ADDKE1 to 7 share the rows of KE. */
export function transforms(type: typeof TransformType.ENCR): readonly EncrTransform[];
export function transforms(type: typeof TransformType.PRF): readonly PrfTransform[];
export function transforms(type: typeof TransformType.INTEG): readonly IntegTransform[];
export function transforms(type: typeof TransformType.KE): readonly KeTransform[];
export function transforms(type: number): readonly TransformRow[];
export function transforms(type: number): readonly TransformRow[] {
  return rowsByType.get(isAdditionalKe(type) ? TransformType.KE : type) ?? [];
}

/** IANA's name of a transform, for example `ENCR_AES_GCM_16`; an unknown one becomes `ENCR_65001`. */
export function transformName(type: number, id: number): string {
  return transforms(type).find((row) => row.id === id)?.name ?? `${transformTypeName(type)}_${id}`;
}

/** IANA's abbreviation of a transform type, for example `ENCR`; an unknown one becomes `TYPE_200`. */
export function transformTypeName(type: number): string {
  return typeNames[type] ?? `TYPE_${type}`;
}

function isAdditionalKe(type: number): boolean {
  return type >= TransformType.ADDKE1 && type <= TransformType.ADDKE7;
}

function finder<Row extends TransformRow>(rows: readonly Row[]): (id: number) => Row | undefined {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return (id) => byId.get(id);
}
