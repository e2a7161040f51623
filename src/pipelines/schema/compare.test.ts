import { describe, expect, test } from 'vitest'
import type { Column, ColumnType } from './columnTypes.ts'
import { compareColumns } from './compare.ts'

const column = (name: string, type: ColumnType, nullable = false): Column => ({
  name,
  type,
  nullable,
})
const before = [column('rank', 'uint8'), column('note', 'string', true)]

describe('compareColumns:', () => {
  test('the same columns in another order are the same', () => {
    expect(compareColumns(before, before.toReversed())).toEqual({ state: 'same' })
  })

  test('a new optional column extends, a new required one changes', () => {
    expect(compareColumns(before, [...before, column('x', 'json', true)])).toEqual({
      state: 'extended',
    })
    expect(compareColumns(before, [...before, column('x', 'json')])).toEqual({
      state: 'changed',
      what: ['x is new and required'],
    })
  })

  test('from required to optional extends, the other way changes', () => {
    const loose = [column('rank', 'uint8', true), column('note', 'string', true)]
    expect(compareColumns(before, loose)).toEqual({ state: 'extended' })
    expect(compareColumns(loose, before)).toEqual({
      state: 'changed',
      what: ['rank was optional, is required'],
    })
  })

  test('another type, also deep inside, and a lost column are changes', () => {
    const list = (type: ColumnType) => column('l', { kind: 'list', item: { type, nullable: true } })
    expect(compareColumns([...before, list('int8')], [...before, list('int16')])).toEqual({
      state: 'changed',
      what: ['l was list<int8?>, is list<int16?>'],
    })
    expect(compareColumns(before, before.slice(1))).toEqual({
      state: 'changed',
      what: ['rank is gone'],
    })
  })
})
