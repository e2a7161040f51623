import type {
  Cell,
  Column,
  Row,
  ScalarType,
  TableSchema,
} from '../../src/pipelines/schema/columnTypes.ts'

/** For every column type: 0, ends of the range, sign bit, what a double cannot hold, odd text. */
const values: Readonly<Record<ScalarType, readonly Cell[]>> = {
  boolean: [true, false],
  int8: [0, 127, -128, -1, 1],
  int16: [0, 32_767, -32_768, -1, 128],
  int32: [0, 2_147_483_647, -2_147_483_648, -1, 32_768],
  int64: [
    0,
    9_223_372_036_854_775_807n,
    -9_223_372_036_854_775_808n,
    -1,
    Number.MAX_SAFE_INTEGER,
    9_007_199_254_740_993n,
    -9_007_199_254_740_993n,
  ],
  uint8: [0, 255, 128, 127],
  uint16: [0, 65_535, 32_768, 256],
  uint32: [0, 4_294_967_295, 2_147_483_648, 65_536],
  uint64: [
    0,
    18_446_744_073_709_551_615n,
    9_223_372_036_854_775_808n,
    Number.MAX_SAFE_INTEGER,
    9_007_199_254_740_993n,
  ],
  float32: [0, 1, -1, Math.fround(0.1), 2 ** -149, Math.fround(3.4e38), Math.fround(-3.4e38)],
  float64: [0, 0.1, -0.1, 1e-7, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53],
  string: [
    '',
    'text',
    '😀 emoji',
    'before\0after NUL',
    'quote " back \\ slash / line\nend\r\ttab',
    '\u2028\u2029\ufeffbom',
    'ä'.repeat(60),
    '\u{10ffff}',
    '\uffff',
    'null',
  ],
  uuid: [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '80000000-0000-7000-8000-000000000001',
    '0b9f1c1e-7a51-4b7e-9f52-1c7b7f0e1a11',
  ],
  timestamp: [
    0,
    -1,
    1_767_225_599_999,
    -62_135_596_800_000,
    253_402_300_799_999,
    Date.UTC(1969, 11, 31, 23, 59, 59, 1),
  ],
  date: ['1970-01-01', '1969-12-31', '0001-01-01', '9999-12-31', '2024-02-29'],
  json: [
    'true',
    '0',
    '-1.5',
    '""',
    '[]',
    '{}',
    '{"a":[1,null,{"b":"😀\\u0000"}],"c":1e+300}',
    '"text"',
  ],
}

const inner: readonly Column[] = [
  { name: 'n', type: 'uint64', nullable: false },
  { name: 'note', type: 'string', nullable: true },
  { name: 'day', type: 'date', nullable: true },
]
const group = { kind: 'group', fields: inner } as const
const nested: readonly (readonly [Column['type'], readonly Cell[]])[] = [
  [
    group,
    [
      { n: 0, note: null, day: null },
      { n: 18_446_744_073_709_551_615n, note: '😀', day: '1969-12-31' },
    ],
  ],
  [
    { kind: 'list', item: { type: 'int64', nullable: false } },
    [[], [0], [1, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n]],
  ],
  [
    { kind: 'list', item: { type: 'string', nullable: true } },
    [[], [null], ['', null, 'a\0b', '😀']],
  ],
  [
    { kind: 'list', item: { type: group, nullable: true } },
    [[], [null], [{ n: 1, note: 'x', day: null }, null, { n: 2, note: null, day: '9999-12-31' }]],
  ],
  [
    {
      kind: 'list',
      item: { type: { kind: 'list', item: { type: 'uuid', nullable: true } }, nullable: true },
    },
    [[], [[]], [null, [], ['0b9f1c1e-7a51-4b7e-9f52-1c7b7f0e1a11', null]]],
  ],
  [
    {
      kind: 'group',
      fields: [
        { name: 'inside', type: group, nullable: true },
        {
          name: 'tags',
          type: { kind: 'list', item: { type: 'json', nullable: false } },
          nullable: true,
        },
        { name: 'at', type: 'timestamp', nullable: false },
      ],
    },
    [
      { inside: null, tags: null, at: 0 },
      { inside: { n: 7, note: '', day: null }, tags: [], at: -1 },
      {
        inside: { n: 8, note: null, day: '2024-02-29' },
        tags: ['{"a":[1]}', '1'],
        at: 253_402_300_799_999,
      },
    ],
  ],
]

const kinds = [
  ...Object.entries(values).map(([type, cells]) => [type, type, cells] as const),
  ...nested.map(([type, cells], at) => [`nested${at + 1}`, type, cells] as const),
]

/** Every type three times: required, optional, and optional without a single value. */
export const everyType: TableSchema = {
  name: 'EVERY_TYPE',
  key: [],
  columns: kinds.flatMap(([name, type]) => [
    { name: `${name}_required`, type: type as Column['type'], nullable: false },
    { name: `${name}_optional`, type: type as Column['type'], nullable: true },
    { name: `${name}_never`, type: type as Column['type'], nullable: true },
  ]),
}

/** 30 rows: required cells repeat, which makes dictionaries; optional ones end in nulls. */
export const everyValue: readonly Row[] = Array.from({ length: 30 }, (_, at) =>
  Object.fromEntries(
    kinds.flatMap(([name, , cells]) => [
      [`${name}_required`, cells[at % cells.length] as Cell],
      [`${name}_optional`, at % 3 === 1 ? null : (cells[Math.floor(at / 3)] ?? null)],
      [`${name}_never`, null],
    ]),
  ),
)
