import { expect, test } from 'vitest'
import { isEntryId } from './entryId.ts'

test('an id of an entry is two numbers of 64 bits', () => {
  const ids = ['0-0', '1795278225042-0', '0-18446744073709551615']
  expect(ids.filter((id) => !isEntryId(id))).toEqual([])
  const others = ['', '5', '1-', '-1', '1-2-3', 'a-1', '1-18446744073709551616', '1 -2']
  expect(others.filter(isEntryId)).toEqual([])
})
