import { expect, test } from 'vitest'
import { parseBrokerUrl } from '../../core/url.ts'
import { file, fromUrl } from './index.ts'

const of = (text: string) => fromUrl(parseBrokerUrl(text))

test('a URL names a folder and how it is synced', () => {
  expect(of('file:./.narrowcast/store').name).toBe('file')
  expect(of('file:./store?sync=full').name).toBe('file')
  expect(of('file:///var/lib/store').name).toBe('file')
})

test('an unknown option is refused with the nearest one', () => {
  expect(() => of('file:./store?snyc=full')).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('did you mean sync?'),
    }),
  )
  expect(() => of('file:./store?colour=red')).toThrow('URL option colour is not known')
})

test('a wrong value is refused with what is expected', () => {
  expect(() => of('file:./store?sync=always')).toThrow('sync is "always"; expected normal or full')
  expect(() => of('file:')).toThrow('the folder of the store is missing')
  expect(() => file({ dir: '' })).toThrow('the folder of the store is missing')
})

test('a URL that names no folder is refused', () => {
  expect(() => of('file://server/store')).toThrow('names a host')
  expect(() => of('file:./100%')).toThrow('has a % that')
})
